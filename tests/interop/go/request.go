package main

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// maxProof is the number of hashes a consistency proof may have (C2SP tlog-witness).
const maxProof = 63

// An addCheckpoint is the body of a witness request.
type addCheckpoint struct {
	Old        int64
	Proof      tlog.TreeProof
	Checkpoint []byte
}

func (r addCheckpoint) encode() string {
	var body strings.Builder
	fmt.Fprintf(&body, "old %d\n", r.Old)
	for _, hash := range r.Proof {
		fmt.Fprintf(&body, "%v\n", hash)
	}
	return body.String() + "\n" + string(r.Checkpoint)
}

// parseAddCheckpoint reads a body; like parseCheckpoint it takes one spelling only.
func parseAddCheckpoint(body string) (addCheckpoint, error) {
	end := strings.Index(body, "\n\n")
	if end < 0 || !strings.HasPrefix(body, "old ") {
		return addCheckpoint{}, fmt.Errorf("no request: %.40q", body)
	}
	lines := strings.Split(body[:end], "\n")
	old, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "old "), 10, 64)
	if err != nil || old < 0 || len(lines)-1 > maxProof {
		return addCheckpoint{}, fmt.Errorf("old size %q, %d hashes", lines[0], len(lines)-1)
	}
	request := addCheckpoint{Old: old, Checkpoint: []byte(body[end+2:])}
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return addCheckpoint{}, err
		}
		request.Proof = append(request.Proof, hash)
	}
	if request.encode() != body {
		return addCheckpoint{}, fmt.Errorf("the request is not spelled in the one way allowed")
	}
	return request, nil
}

// checkConsistency decides what a witness decides: RFC 6962 proofs between trees that have leaves, nothing to prove
// from the empty tree or to the same one.
func checkConsistency(proof tlog.TreeProof, old, tree tlog.Tree) error {
	switch {
	case tree.N == 0 && tree.Hash != emptyRoot:
		return fmt.Errorf("a tree without leaves has another root")
	case old.N == 0 || old.N == tree.N:
		if len(proof) != 0 {
			return fmt.Errorf("%d hashes where nothing is to prove", len(proof))
		}
		if old.N == tree.N && old.Hash != tree.Hash {
			return fmt.Errorf("another root at the same size %d", tree.N)
		}
		return nil
	default:
		return tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash)
	}
}
