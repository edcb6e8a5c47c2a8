package main

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// emptyRoot is the root of the tree without leaves (RFC 6962 section 2.1). x/mod of this age has zeroes there.
var emptyRoot = tlog.Hash(sha256.Sum256(nil))

// A checkpoint is the text of a C2SP tlog-checkpoint.
type checkpoint struct {
	Origin     string
	Tree       tlog.Tree
	Extensions []string
}

// text is what is signed.
func (c checkpoint) text() string {
	lines := append([]string{c.Origin, strconv.FormatInt(c.Tree.N, 10), c.Tree.Hash.String()}, c.Extensions...)
	return strings.Join(lines, "\n") + "\n"
}

// sign makes the signed note.
func (c checkpoint) sign(signer note.Signer) ([]byte, error) {
	return note.Sign(&note.Note{Text: c.text()}, signer)
}

// parseCheckpoint reads a text. That writing it again gives the same bytes leaves one spelling: no leading zeroes, no
// lenient base64.
func parseCheckpoint(text string) (checkpoint, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 3 {
		return checkpoint{}, fmt.Errorf("a checkpoint has three lines, not %d", len(lines))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 {
		return checkpoint{}, fmt.Errorf("tree size %q", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return checkpoint{}, fmt.Errorf("root hash %q", lines[2])
	}
	c := checkpoint{Origin: lines[0], Tree: tlog.Tree{N: size, Hash: root}, Extensions: lines[3:]}
	if c.text() != text || strings.Contains(text, "\n\n") || c.Origin == "" {
		return checkpoint{}, fmt.Errorf("%q is not spelled as a checkpoint", text)
	}
	return c, nil
}
