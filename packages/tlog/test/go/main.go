// The peer of ../go-interop.test.ts: reads what Porchlight made, checks it with golang.org/x/mod/sumdb,
// and makes the same with Go for Porchlight to check. JSON on standard input and output.
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type noteQuestion struct {
	Note  string   `json:"note"`
	Known []string `json:"known"`
}

type noteAnswer struct {
	Accepted bool     `json:"accepted"`
	Text     string   `json:"text"`
	Names    []string `json:"names"`
}

type inclusion struct {
	Size  int64    `json:"size"`
	Index int64    `json:"index"`
	Proof []string `json:"proof"`
}

type consistency struct {
	OldSize int64    `json:"oldSize"`
	NewSize int64    `json:"newSize"`
	Proof   []string `json:"proof"`
}

// claim is a proof that may be wrong; Go's verdict on it is the answer. Older is -1 for inclusion.
type claim struct {
	Size  int64    `json:"size"`
	Index int64    `json:"index"`
	Older int64    `json:"older"`
	Leaf  string   `json:"leaf"`
	Root  string   `json:"root"`
	Proof []string `json:"proof"`
}

type question struct {
	Notes       []noteQuestion    `json:"notes"`
	Entries     []string          `json:"entries"`
	Sizes       []int64           `json:"sizes"`
	Roots       []string          `json:"roots"`
	Tiles       map[string]string `json:"tiles"`
	Inclusion   []inclusion       `json:"inclusion"`
	Consistency []consistency     `json:"consistency"`
	Claims      []claim           `json:"claims"`
	SignerKey   string            `json:"signerKey"`
	CosignerKey string            `json:"cosignerKey"`
	Text        string            `json:"text"`
	Time        uint64            `json:"time"`
}

type answer struct {
	Errors      []string          `json:"errors"`
	Notes       []noteAnswer      `json:"notes"`
	Checked     int               `json:"checked"`
	Roots       []string          `json:"roots"`
	Tiles       map[string]string `json:"tiles"`
	Inclusion   []inclusion       `json:"inclusion"`
	Consistency []consistency     `json:"consistency"`
	Signed      string            `json:"signed"`
	Verdicts    []bool            `json:"verdicts"`
}

// cosigner is C2SP cosignature/v1 (signature type 0x04), which x/mod does not have, as a note.Verifier and note.Signer.
type cosigner struct {
	name string
	key  ed25519.PublicKey
	seed ed25519.PrivateKey
	time uint64
}

func (c cosigner) Name() string { return c.name }

func (c cosigner) KeyHash() uint32 {
	sum := sha256.Sum256(append([]byte(c.name+"\n\x04"), c.key...))
	return binary.BigEndian.Uint32(sum[:])
}

func message(text []byte, time uint64) []byte {
	return append([]byte(fmt.Sprintf("cosignature/v1\ntime %d\n", time)), text...)
}

func (c cosigner) Verify(text, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	return ed25519.Verify(c.key, message(text, binary.BigEndian.Uint64(sig)), sig[8:])
}

func (c cosigner) Sign(text []byte) ([]byte, error) {
	sig := make([]byte, 8)
	binary.BigEndian.PutUint64(sig, c.time)
	return append(sig, ed25519.Sign(c.seed, message(text, c.time))...), nil
}

func verifier(vkey string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) == 3 {
		material, err := base64.StdEncoding.DecodeString(parts[2])
		if err == nil && len(material) == 33 && material[0] == 4 {
			v := cosigner{name: parts[0], key: material[1:]}
			if fmt.Sprintf("%08x", v.KeyHash()) != parts[1] {
				return nil, errors.New("key id")
			}
			return v, nil
		}
	}
	return note.NewVerifier(vkey)
}

func openNote(q noteQuestion) (noteAnswer, error) {
	var known []note.Verifier
	for _, vkey := range q.Known {
		v, err := verifier(vkey)
		if err != nil {
			return noteAnswer{}, err
		}
		known = append(known, v)
	}
	n, err := note.Open([]byte(q.Note), note.VerifierList(known...))
	if err != nil {
		return noteAnswer{Names: []string{}}, nil
	}
	names := []string{}
	for _, sig := range n.Sigs {
		names = append(names, sig.Name)
	}
	return noteAnswer{Accepted: true, Text: n.Text, Names: names}, nil
}

// ourPath is the C2SP path of a tile of height 8, which x/mod writes with the height in front.
func ourPath(t tlog.Tile) string {
	return strings.Replace(t.Path(), "tile/8/", "tile/", 1)
}

// tileReader serves Porchlight's tiles to x/mod, which verifies each against the root.
type tileReader struct{ tiles map[string]string }

func (r tileReader) Height() int { return 8 }

func (r tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, t := range tiles {
		text, ok := r.tiles[ourPath(t)]
		if !ok {
			return nil, fmt.Errorf("no tile %s", ourPath(t))
		}
		data, err := hex.DecodeString(text)
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (r tileReader) SaveTiles([]tlog.Tile, [][]byte) {}

func hashes(texts []string) ([]tlog.Hash, error) {
	list := make([]tlog.Hash, len(texts))
	for i, text := range texts {
		data, err := hex.DecodeString(text)
		if err != nil || len(data) != tlog.HashSize {
			return nil, errors.New("not a hash")
		}
		copy(list[i][:], data)
	}
	return list, nil
}

func texts(list []tlog.Hash) []string {
	all := []string{}
	for _, h := range list {
		all = append(all, hex.EncodeToString(h[:]))
	}
	return all
}

// verdict is true where x/mod accepts the claim. Leaf is the leaf hash, or the older tree's root.
func verdict(c claim) bool {
	list, err := hashes(c.Proof)
	if err != nil {
		return false
	}
	ends, err := hashes([]string{c.Leaf, c.Root})
	if err != nil {
		return false
	}
	if c.Older < 0 {
		return tlog.CheckRecord(list, c.Size, ends[1], c.Index, ends[0]) == nil
	}
	return tlog.CheckTree(list, c.Size, ends[1], c.Older, ends[0]) == nil
}

func run(q question) answer {
	a := answer{Errors: []string{}, Notes: []noteAnswer{}, Tiles: map[string]string{}, Verdicts: []bool{}}
	for _, c := range q.Claims {
		a.Verdicts = append(a.Verdicts, verdict(c))
	}
	fail := func(format string, args ...interface{}) {
		a.Errors = append(a.Errors, fmt.Sprintf(format, args...))
	}
	for i, n := range q.Notes {
		opened, err := openNote(n)
		if err != nil {
			fail("note %d: %v", i, err)
		}
		a.Notes = append(a.Notes, opened)
	}

	// Go's own tree of the same entries.
	var stored []tlog.Hash
	for i, entry := range q.Entries {
		data, err := hex.DecodeString(entry)
		if err != nil {
			fail("entry %d: %v", i, err)
			return a
		}
		added, err := tlog.StoredHashes(int64(i), data, tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
			var list []tlog.Hash
			for _, index := range indexes {
				list = append(list, stored[index])
			}
			return list, nil
		}))
		if err != nil {
			fail("entry %d: %v", i, err)
			return a
		}
		stored = append(stored, added...)
	}
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var list []tlog.Hash
		for _, index := range indexes {
			list = append(list, stored[index])
		}
		return list, nil
	})
	leafHash := func(index int64) tlog.Hash { return stored[tlog.StoredHashIndex(0, index)] }

	roots := map[int64]tlog.Hash{}
	old := int64(0)
	for i, size := range q.Sizes {
		root, err := tlog.TreeHash(size, reader)
		if err != nil {
			fail("tree %d: %v", size, err)
		}
		roots[size] = root
		a.Roots = append(a.Roots, hex.EncodeToString(root[:]))
		if a.Roots[i] != q.Roots[i] {
			fail("root of size %d differs", size)
		}
		for _, t := range tlog.NewTiles(8, old, size) {
			data, err := tlog.ReadTileData(t, reader)
			if err != nil {
				fail("tile %s: %v", t.Path(), err)
			}
			a.Tiles[ourPath(t)] = hex.EncodeToString(data)
		}
		old = size

		// x/mod reads through Porchlight's tiles and checks each against the root.
		ours := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, tileReader{q.Tiles})
		for _, index := range []int64{0, size / 2, size - 1} {
			proof, err := tlog.ProveRecord(size, index, ours)
			if err != nil {
				fail("prove record %d of %d by tiles: %v", index, size, err)
				continue
			}
			if err := tlog.CheckRecord(proof, size, root, index, leafHash(index)); err != nil {
				fail("check record %d of %d by tiles: %v", index, size, err)
			}
			a.Checked++
			a.Inclusion = append(a.Inclusion, inclusion{size, index, texts(proof)})
		}
		for _, older := range q.Sizes[:i+1] {
			proof, err := tlog.ProveTree(size, older, ours)
			if err != nil {
				fail("prove tree %d to %d by tiles: %v", older, size, err)
				continue
			}
			if err := tlog.CheckTree(proof, size, root, older, roots[older]); err != nil {
				fail("check tree %d to %d by tiles: %v", older, size, err)
			}
			a.Checked++
			a.Consistency = append(a.Consistency, consistency{older, size, texts(proof)})
		}
	}

	for _, p := range q.Inclusion {
		list, err := hashes(p.Proof)
		if err == nil {
			err = tlog.CheckRecord(list, p.Size, roots[p.Size], p.Index, leafHash(p.Index))
		}
		if err != nil {
			fail("inclusion of %d in %d: %v", p.Index, p.Size, err)
		}
		a.Checked++
	}
	for _, p := range q.Consistency {
		list, err := hashes(p.Proof)
		if err == nil {
			err = tlog.CheckTree(list, p.NewSize, roots[p.NewSize], p.OldSize, roots[p.OldSize])
		}
		if err != nil {
			fail("consistency of %d with %d: %v", p.OldSize, p.NewSize, err)
		}
		a.Checked++
	}

	signer, err := note.NewSigner(q.SignerKey)
	if err != nil {
		fail("signer key: %v", err)
		return a
	}
	parts := strings.SplitN(q.CosignerKey, "+", 5)
	material, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil || len(parts) != 5 || len(material) != 33 {
		fail("cosigner key")
		return a
	}
	seed := ed25519.NewKeyFromSeed(material[1:])
	second := cosigner{name: parts[2], key: seed.Public().(ed25519.PublicKey), seed: seed, time: q.Time}
	signed, err := note.Sign(&note.Note{Text: q.Text}, signer, second)
	if err != nil {
		fail("sign: %v", err)
	}
	a.Signed = string(signed)
	return a
}

func main() {
	var q question
	if err := json.NewDecoder(os.Stdin).Decode(&q); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(run(q)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
