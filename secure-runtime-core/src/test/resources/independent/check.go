// Checks a log with Go's own implementation of signed notes and transparency log proofs.
//
//	check DIR LOG_VKEY EPOCH_VKEY PROOF INDEX OLD NEW HASH...
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func fail(format string, args ...interface{}) {
	fmt.Printf(format+"\n", args...)
	os.Exit(1)
}

func must(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func records(dir string) [][]byte {
	names, err := filepath.Glob(filepath.Join(dir, "segments", "*.jsonl"))
	must(err)
	sort.Strings(names)
	var lines [][]byte
	for _, name := range names {
		data, err := os.ReadFile(name)
		must(err)
		all := bytes.Split(data, []byte("\n"))
		lines = append(lines, all[:len(all)-1]...)
	}
	return lines
}

func hash(text string) tlog.Hash {
	h, err := tlog.ParseHash(text)
	must(err)
	return h
}

func main() {
	dir := os.Args[1]
	logKey, err := note.NewVerifier(os.Args[2])
	must(err)
	epochKey, err := note.NewVerifier(os.Args[3])
	must(err)
	roots := map[int64]tlog.Hash{}
	data, err := os.ReadFile(filepath.Join(dir, "checkpoints"))
	must(err)
	blocks := strings.Split(string(data), "\n\n")
	opened := 0
	for i := 0; i+1 < len(blocks); i += 2 {
		message := blocks[i] + "\n\n" + strings.TrimSuffix(blocks[i+1], "\n") + "\n"
		n, err := note.Open([]byte(message), note.VerifierList(logKey, epochKey))
		must(err)
		if len(n.Sigs) < 1 || n.Sigs[0].Name != logKey.Name() {
			fail("the log key's signature is not the first")
		}
		lines := strings.Split(n.Text, "\n")
		size, err := strconv.ParseInt(lines[1], 10, 64)
		must(err)
		roots[size] = hash(lines[2])
		opened += len(n.Sigs)
	}
	proof, err := os.ReadFile(os.Args[4])
	must(err)
	index, err := strconv.ParseInt(os.Args[5], 10, 64)
	must(err)
	parts := strings.SplitN(string(proof), "\n\n", 2)
	n, err := note.Open([]byte(parts[1]), note.VerifierList(logKey))
	must(err)
	size, err := strconv.ParseInt(strings.Split(n.Text, "\n")[1], 10, 64)
	must(err)
	var path tlog.RecordProof
	for _, line := range strings.Split(parts[0], "\n")[2:] {
		path = append(path, hash(line))
	}
	lines := records(dir)
	must(tlog.CheckRecord(path, size, roots[size], index, tlog.RecordHash(lines[index])))
	if tlog.CheckRecord(path, size, roots[size], index, tlog.RecordHash(lines[index+1])) == nil {
		fail("another record passed for record %d", index)
	}
	older, err := strconv.ParseInt(os.Args[6], 10, 64)
	must(err)
	newer, err := strconv.ParseInt(os.Args[7], 10, 64)
	must(err)
	var tree tlog.TreeProof
	for _, text := range os.Args[8:] {
		tree = append(tree, hash(text))
	}
	must(tlog.CheckTree(tree, newer, roots[newer], older, roots[older]))
	fmt.Printf("records %d checkpoints %d signatures %d\n", len(lines), len(roots), opened)
}
