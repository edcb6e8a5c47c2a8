package main

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// signatureLines is how many signature lines every verifier must take, and lineBytes how long a post-quantum one may
// be (C2SP signed-note).
const (
	signatureLines = 16
	lineBytes      = 4900
)

// crowd adds lines of keys that nobody knows until the note has as many as every verifier must take.
func crowd(signed []byte) ([]byte, error) {
	for i := 1; i < signatureLines; i++ {
		signature := make([]byte, lineBytes)
		if _, err := rand.Read(signature); err != nil {
			return nil, err
		}
		signed = append(signed, fmt.Sprintf("\u2014 stranger.example/%d %s\n", i, base64.StdEncoding.EncodeToString(signature))...)
	}
	return signed, nil
}

// A badRequest must be refused with this status.
type badRequest struct {
	what   string
	body   string
	status int
}

// beforeTheFirst is about a witness that has never cosigned this log: its size is 0, from where nothing is to prove.
func (t *witnessTest) beforeTheFirst() error {
	if err := t.log.growTo(0, 2); err != nil {
		return err
	}
	late, err := t.request(1, 2, t.log.signer)
	if err != nil {
		return err
	}
	needless := late
	needless.Old = 0
	other, err := checkpoint{Origin: t.log.signer.Name(), Tree: tlog.Tree{Hash: tlog.RecordHash(nil)}}.sign(t.log.signer)
	if err != nil {
		return err
	}
	t.log.hashes = nil
	return t.refuse([]badRequest{
		{"a first checkpoint that is none", late.encode(), http.StatusConflict},
		{"a proof where nothing is to prove", needless.encode(), http.StatusUnprocessableEntity},
		{"an empty tree with another root", addCheckpoint{0, nil, other}.encode(), http.StatusUnprocessableEntity},
	})
}

// refused sends what must be refused while the witness has seen one size and a larger one would be next.
func (t *witnessTest) refused(size int64) error {
	good, err := t.request(t.seen, size, t.log.signer)
	if err != nil {
		return err
	}
	bad := malformed(good)
	for _, more := range []func(addCheckpoint, int64) ([]badRequest, error){t.misfit, t.unsigned, t.conflicting, t.inconsistent} {
		requests, err := more(good, size)
		if err != nil {
			return err
		}
		bad = append(bad, requests...)
	}
	return t.refuse(bad)
}

func malformed(good addCheckpoint) []badRequest {
	text := good.encode()
	long := good
	long.Proof = make(tlog.TreeProof, maxProof+1)
	bodies := map[string]string{
		"nothing":                  "",
		"no request":               "garbage\n",
		"no old size":              strings.Replace(text, "old ", "", 1),
		"a leading zero":           strings.Replace(text, "old ", "old 0", 1),
		"a sign":                   strings.Replace(text, "old ", "old +", 1),
		"no empty line":            strings.Replace(text, "\n\n", "\n", 1),
		"too many hashes":          long.encode(),
		"a hash that is no base64": strings.Replace(text, "\n\n", "\n???\n\n", 1),
		"a hash that is too short": strings.Replace(text, "\n\n", "\nAAAA\n\n", 1),
		"lines that end in CRLF":   strings.ReplaceAll(text, "\n", "\r\n"),
		"no checkpoint":            "old 0\n\n",
		"a checkpoint cut short":   text[:len(text)-2],
	}
	var bad []badRequest
	for what, body := range bodies {
		bad = append(bad, badRequest{what, body, http.StatusBadRequest})
	}
	return bad
}

// misfit makes requests that can be read, with an old size or a signed text that cannot be.
func (t *witnessTest) misfit(good addCheckpoint, size int64) ([]badRequest, error) {
	poem, err := note.Sign(&note.Note{Text: t.log.signer.Name() + "\ned \u00e8 subito sera\n"}, t.log.signer)
	return []badRequest{
		{"an old size beyond the checkpoint", addCheckpoint{size + 1, nil, good.Checkpoint}.encode(), http.StatusBadRequest},
		{"a signed poem", addCheckpoint{t.seen, nil, poem}.encode(), http.StatusBadRequest},
	}, err
}

// unsigned makes requests whose checkpoints nobody the witness knows has signed.
func (t *witnessTest) unsigned(good addCheckpoint, size int64) ([]badRequest, error) {
	namesake, err := newSigner(t.log.signer.Name())
	if err != nil {
		return nil, err
	}
	stranger, err := newSigner("stranger.example/log")
	if err != nil {
		return nil, err
	}
	byNamesake, err := t.request(t.seen, size, namesake)
	if err != nil {
		return nil, err
	}
	byStranger, err := t.request(t.seen, size, stranger)
	if err != nil {
		return nil, err
	}
	// The right key's line, under another text than it has signed.
	end := strings.LastIndex(string(good.Checkpoint), "\n\n")
	forged := byNamesake
	forged.Checkpoint = []byte(strings.Replace(string(good.Checkpoint[:end]), fmt.Sprintf("\n%d\n", size), fmt.Sprintf("\n%d\n", size+1), 1) + string(good.Checkpoint[end:]))
	return []badRequest{
		{"a key that is not the log's", byNamesake.encode(), http.StatusForbidden},
		{"a signature that is wrong", forged.encode(), http.StatusForbidden},
		{"an origin nobody serves", byStranger.encode(), http.StatusNotFound},
	}, nil
}

func newSigner(name string) (note.Signer, error) {
	skey, _, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return nil, err
	}
	return note.NewSigner(skey)
}

// conflicting makes requests with honest proofs from sizes that the witness has not seen last.
func (t *witnessTest) conflicting(_ addCheckpoint, size int64) ([]badRequest, error) {
	var bad []badRequest
	for _, old := range []int64{0, t.seen - 1, t.seen + 1, size} {
		if old < 0 || old == t.seen || old > size {
			continue
		}
		request, err := t.request(old, size, t.log.signer)
		if err != nil {
			return nil, err
		}
		bad = append(bad, badRequest{fmt.Sprintf("old size %d", old), request.encode(), http.StatusConflict})
	}
	return bad, nil
}

// inconsistent makes signed requests that would rewrite history.
func (t *witnessTest) inconsistent(good addCheckpoint, size int64) ([]badRequest, error) {
	if t.seen == 0 {
		return nil, nil // everything continues the empty tree
	}
	flipped := good
	flipped.Proof = append(tlog.TreeProof{}, good.Proof...)
	flipped.Proof[len(flipped.Proof)-1][0] ^= 1
	shorter, longer := good, good
	shorter.Proof = good.Proof[1:]
	longer.Proof = append(append(tlog.TreeProof{}, good.Proof...), good.Proof[0])

	head, err := t.log.head(t.seen)
	if err != nil {
		return nil, err
	}
	head.Tree.Hash[0] ^= 1
	other, err := head.sign(t.log.signer)
	if err != nil {
		return nil, err
	}
	same, err := t.request(t.seen, t.seen, t.log.signer)
	if err != nil {
		return nil, err
	}
	same.Proof = good.Proof
	return []badRequest{
		{"a proof with another hash", flipped.encode(), http.StatusUnprocessableEntity},
		{"a proof that lacks a hash", shorter.encode(), http.StatusUnprocessableEntity},
		{"a proof with a hash too many", longer.encode(), http.StatusUnprocessableEntity},
		{"the same size with another root", addCheckpoint{t.seen, nil, other}.encode(), http.StatusUnprocessableEntity},
		{"the same size with a proof", same.encode(), http.StatusUnprocessableEntity},
	}, nil
}

func (t *witnessTest) refuse(bad []badRequest) error {
	for _, request := range bad {
		answer, err := t.send(request.body)
		if err != nil {
			return fmt.Errorf("%s: %w", request.what, err)
		}
		if answer.status != request.status {
			return fmt.Errorf("%s: %d %q, not %d", request.what, answer.status, answer.body, request.status)
		}
		if strings.Contains(answer.body, "\u2014") {
			return fmt.Errorf("%s: a refusal with a signature line", request.what)
		}
		if answer.status == http.StatusConflict {
			if err := t.isConflict(answer); err != nil {
				return fmt.Errorf("%s: %w", request.what, err)
			}
		}
		t.Refusals++
	}
	return nil
}

// isConflict checks that a 409 says which size the witness has seen, in the form that clients need to go on.
func (t *witnessTest) isConflict(answer answer) error {
	want := fmt.Sprintf("%d\n", t.seen)
	if answer.status != http.StatusConflict || answer.contentType != "text/x.tlog.size" || answer.body != want {
		return fmt.Errorf("%d %s %q, not 409 text/x.tlog.size %q", answer.status, answer.contentType, answer.body, want)
	}
	return nil
}
