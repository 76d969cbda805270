// A C2SP log that Go made: golang.org/x/mod/sumdb computes its tree, its tiles and its signed checkpoint. Reads what to
// make as JSON on standard input and writes the log's files below a directory, as any static web server would serve them.
package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type order struct {
	Directory string   `json:"directory"`
	Origin    string   `json:"origin"`
	SignerKey string   `json:"signerKey"`
	Entries   []string `json:"entries"`
	// A witness' name, key id, Ed25519 seed, and the time that it vouches for.
	Witness string `json:"witness"`
	KeyID   string `json:"keyId"`
	Seed    string `json:"seed"`
	Time    uint64 `json:"time"`
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(directory, path string, data []byte) {
	file := filepath.Join(directory, path)
	must(os.MkdirAll(filepath.Dir(file), 0o755))
	must(os.WriteFile(file, data, 0o644))
}

func main() {
	var o order
	must(json.NewDecoder(os.Stdin).Decode(&o))
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var list []tlog.Hash
		for _, index := range indexes {
			list = append(list, stored[index])
		}
		return list, nil
	})
	for i, entry := range o.Entries {
		added, err := tlog.StoredHashes(int64(i), []byte(entry), reader)
		must(err)
		stored = append(stored, added...)
	}
	size := int64(len(o.Entries))
	for _, t := range tlog.NewTiles(8, 0, size) {
		data, err := tlog.ReadTileData(t, reader)
		must(err)
		write(o.Directory, strings.Replace(t.Path(), "tile/8/", "tile/", 1), data)
	}
	for start := int64(0); start < size; start += 256 {
		end := start + 256
		if end > size {
			end = size
		}
		var bundle []byte
		for _, entry := range o.Entries[start:end] {
			bundle = binary.BigEndian.AppendUint16(bundle, uint16(len(entry)))
			bundle = append(bundle, entry...)
		}
		path := tlog.Tile{H: 8, L: 0, N: start / 256, W: int(end - start)}.Path()
		write(o.Directory, strings.Replace(path, "tile/8/0/", "tile/entries/", 1), bundle)
	}
	root, err := tlog.TreeHash(size, reader)
	must(err)
	text := fmt.Sprintf("%s\n%d\n%s\n", o.Origin, size, base64.StdEncoding.EncodeToString(root[:]))
	signer, err := note.NewSigner(o.SignerKey)
	must(err)
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	must(err)
	seed, err := hex.DecodeString(o.Seed)
	must(err)
	keyID, err := hex.DecodeString(o.KeyID)
	must(err)
	message := append([]byte(fmt.Sprintf("cosignature/v1\ntime %d\n", o.Time)), text...)
	cosignature := binary.BigEndian.AppendUint64(keyID, o.Time)
	cosignature = append(cosignature, ed25519.Sign(ed25519.NewKeyFromSeed(seed), message)...)
	line := fmt.Sprintf("— %s %s\n", o.Witness, base64.StdEncoding.EncodeToString(cosignature))
	write(o.Directory, "checkpoint", append(signed, line...))
	fmt.Println("{}")
}
