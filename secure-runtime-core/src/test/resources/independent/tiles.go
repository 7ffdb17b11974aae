// Reads exported tiles with Go's own implementation of transparency logs: proves records, compares tree hashes.
//
//	tiles DIR LOG_VKEY INDEX...
package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// path maps a tile to C2SP's place: without the height, and with "entries" for data.
func path(t tlog.Tile) string {
	parts := strings.SplitN(t.Path(), "/", 3)
	rest := parts[2]
	if t.L < 0 {
		rest = "entries" + strings.TrimPrefix(rest, "data")
	}
	return "tile/" + rest
}

type reader struct{ dir string }

func (r reader) Height() int { return 8 }

func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, t := range tiles {
		data, err := os.ReadFile(filepath.Join(r.dir, path(t)))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (r reader) SaveTiles([]tlog.Tile, [][]byte) {}

func entry(dir string, index int64, size int64) []byte {
	n := index / 256
	w := int64(256)
	if (n+1)*256 > size {
		w = size % 256
	}
	data, err := os.ReadFile(filepath.Join(dir, path(tlog.Tile{H: 8, L: -1, N: n, W: int(w)})))
	must(err)
	for i := int64(0); i < index%256; i++ {
		data = data[2+binary.BigEndian.Uint16(data):]
	}
	return data[2 : 2+binary.BigEndian.Uint16(data)]
}

func main() {
	dir := os.Args[1]
	key, err := note.NewVerifier(os.Args[2])
	must(err)
	text, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	must(err)
	n, err := note.Open(text, note.VerifierList(key))
	must(err)
	lines := strings.Split(n.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	root, err := tlog.ParseHash(lines[2])
	must(err)
	tree := tlog.Tree{N: size, Hash: root}
	hashes := tlog.TileHashReader(tree, reader{dir})
	again, err := tlog.TreeHash(size, hashes)
	must(err)
	if again != root {
		must(fmt.Errorf("the tiles have another root"))
	}
	for _, arg := range os.Args[3:] {
		index, err := strconv.ParseInt(arg, 10, 64)
		must(err)
		proof, err := tlog.ProveRecord(size, index, hashes)
		must(err)
		must(tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(entry(dir, index, size))))
	}
	fmt.Printf("size %d %x\n", size, sha256.Sum256(entry(dir, size-1, size)))
}
