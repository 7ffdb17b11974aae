// A witness of C2SP tlog-witness, on Go's own implementation of signed notes and transparency log proofs.
//
//	witness LOG_VKEY NAME      prints its address and its verifier key, and serves until its input ends
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type witness struct {
	mu   sync.Mutex
	log  note.Verifier
	name string
	id   []byte
	key  ed25519.PrivateKey
	size int64
	root tlog.Hash
}

func (w *witness) add(out http.ResponseWriter, in *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	body, err := io.ReadAll(in.Body)
	head, checkpoint, found := strings.Cut(string(body), "\n\n")
	lines := strings.Split(head, "\n")
	old, bad := strconv.ParseInt(strings.TrimPrefix(lines[0], "old "), 10, 64)
	if in.Method != "POST" || err != nil || !found || bad != nil || lines[0] != fmt.Sprintf("old %d", old) {
		http.Error(out, "request", 400)
		return
	}
	opened, err := note.Open([]byte(checkpoint), note.VerifierList(w.log))
	if err != nil {
		http.Error(out, err.Error(), 403)
		return
	}
	text := strings.Split(opened.Text, "\n")
	if text[0] != w.log.Name() {
		http.Error(out, "origin", 404)
		return
	}
	size, err := strconv.ParseInt(text[1], 10, 64)
	root, bad := tlog.ParseHash(text[2])
	if err != nil || bad != nil || old > size {
		http.Error(out, "size", 400)
		return
	}
	if old != w.size || old == size && root != w.root {
		out.Header().Set("Content-Type", "text/x.tlog.size")
		out.WriteHeader(409)
		fmt.Fprintf(out, "%d\n", w.size)
		return
	}
	var proof tlog.TreeProof
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			http.Error(out, "proof", 400)
			return
		}
		proof = append(proof, hash)
	}
	if old > 0 && tlog.CheckTree(proof, size, root, old, w.root) != nil || old == 0 && len(proof) > 0 {
		http.Error(out, "proof", 422)
		return
	}
	w.size, w.root = size, root
	now := time.Now().Unix()
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", now, opened.Text)
	signature := binary.BigEndian.AppendUint64(append([]byte{}, w.id...), uint64(now))
	signature = append(signature, ed25519.Sign(w.key, []byte(message))...)
	fmt.Fprintf(out, "— %s %s\n", w.name, base64.StdEncoding.EncodeToString(signature))
}

func main() {
	log, err := note.NewVerifier(os.Args[1])
	if err != nil {
		panic(err)
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err)
	}
	key := append([]byte{4}, public...)
	id := sha256.Sum256(append([]byte(os.Args[2]+"\n"), key...))
	w := &witness{log: log, name: os.Args[2], id: id[:4], key: private}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	http.HandleFunc("/w/add-checkpoint", w.add)
	go http.Serve(listener, nil)
	fmt.Printf("http://%s/w\n%s+%x+%s\n", listener.Addr(), w.name, w.id, base64.StdEncoding.EncodeToString(key))
	io.Copy(io.Discard, os.Stdin)
}
