package main

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// growth is by how many entries the log grows each time: over the boundaries of subtrees and tiles.
var growth = []int64{1, 1, 1, 4, 1, 247, 1, 1, 254, 1, 1, 300}

// A growingLog is a small log of its own: its entries are lines of text, its hashes lie in memory.
type growingLog struct {
	signer note.Signer
	hashes []tlog.Hash
}

// ReadHashes makes it a tlog.HashReader.
func (l *growingLog) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(l.hashes)) {
			return nil, fmt.Errorf("there is no hash %d", index)
		}
		found[i] = l.hashes[index]
	}
	return found, nil
}

// growTo appends entries. The same entries each time: a log that is started again is the same log.
func (l *growingLog) growTo(from, to int64) error {
	for i := from; i < to; i++ {
		hashes, err := tlog.StoredHashes(i, []byte(fmt.Sprintf("entry %d of a log that is not Ciuic's\n", i)), l)
		if err != nil {
			return err
		}
		l.hashes = append(l.hashes, hashes...)
	}
	return nil
}

// head is the checkpoint of a size. Some have an extension line, which a witness cosigns unread.
func (l *growingLog) head(size int64) (checkpoint, error) {
	root, err := tlog.TreeHash(size, l)
	if size == 0 {
		root = emptyRoot
	}
	c := checkpoint{Origin: l.signer.Name(), Tree: tlog.Tree{N: size, Hash: root}}
	if size%2 == 0 {
		c.Extensions = []string{fmt.Sprintf("extension of %d", size)}
	}
	return c, err
}

func (l *growingLog) proof(old, size int64) (tlog.TreeProof, error) {
	if old == 0 || old == size {
		return nil, nil
	}
	return tlog.ProveTree(size, old, l)
}

// A witnessTest sends a log's requests to one witness and checks each answer.
type witnessTest struct {
	log     *growingLog
	url     string
	witness cosignKey
	seen    int64 // what the witness must have seen

	Size         int64 `json:"size"`
	Cosignatures int   `json:"cosignatures"`
	Refusals     int   `json:"refusals"`
}

// foreignLog is the command.
func foreignLog(arguments []string) error {
	flags := flag.NewFlagSet("foreignlog", flag.ExitOnError)
	skey := flags.String("skey", "", "the log's private key, in Go's form")
	url := flags.String("witness", "", "the witness's address")
	vkey := flags.String("witness-key", "", "the witness's verifier key")
	from := flags.Int64("from", 0, "the size the witness has seen already")
	flags.Parse(arguments)

	signer, err := note.NewSigner(*skey)
	if err != nil {
		return err
	}
	key, err := parseCosignKey(*vkey)
	if err != nil {
		return err
	}
	test := &witnessTest{log: &growingLog{signer: signer}, url: *url, witness: key, seen: *from}
	if err := test.log.growTo(0, *from); err != nil {
		return err
	}
	if err := test.run(); err != nil {
		return err
	}
	test.Size = test.seen
	return printLine(test)
}

func (t *witnessTest) run() error {
	if t.seen == 0 {
		if err := t.beforeTheFirst(); err != nil {
			return err
		}
	}
	for _, entries := range growth {
		size := t.seen + entries
		if err := t.log.growTo(t.seen, size); err != nil {
			return err
		}
		// What is refused changes nothing: the good request afterwards is taken.
		if err := t.refused(size); err != nil {
			return fmt.Errorf("from %d to %d: %w", t.seen, size, err)
		}
		if err := t.accepted(size); err != nil {
			return fmt.Errorf("from %d to %d: %w", t.seen, size, err)
		}
	}
	return t.race()
}

// accepted grows the witness's tree, and asks once more for the same: an answer may have been lost.
func (t *witnessTest) accepted(size int64) error {
	head, err := t.log.head(size)
	if err != nil {
		return err
	}
	signed, err := head.sign(t.log.signer)
	if err != nil {
		return err
	}
	proof, err := t.log.proof(t.seen, size)
	if err != nil {
		return err
	}
	crowded, err := crowd(signed)
	if err != nil {
		return err
	}
	for _, request := range []addCheckpoint{{t.seen, proof, crowded}, {size, nil, signed}} {
		if err := t.cosigned(request, head); err != nil {
			return err
		}
	}
	t.seen = size
	return nil
}

// cosigned sends a request that must be answered by a cosignature under the checkpoint's whole text.
func (t *witnessTest) cosigned(request addCheckpoint, head checkpoint) error {
	answer, err := t.send(request.encode())
	if err != nil {
		return err
	}
	if answer.status != http.StatusOK {
		return fmt.Errorf("size %d: %d %s", head.Tree.N, answer.status, answer.body)
	}
	opened, err := note.Open([]byte(head.text()+"\n"+answer.body), note.VerifierList(t.witness))
	if err != nil {
		return fmt.Errorf("size %d: answer %q: %w", head.Tree.N, answer.body, err)
	}
	if len(opened.Sigs) != 1 || opened.Sigs[0].Name != t.witness.name {
		return fmt.Errorf("size %d: %d cosignatures", head.Tree.N, len(opened.Sigs))
	}
	t.Cosignatures++
	return nil
}

// race sends two continuations of one tree at once: a witness that compares and persists in two steps takes both.
func (t *witnessTest) race() error {
	const racers = 8
	if err := t.log.growTo(t.seen, t.seen+racers); err != nil {
		return err
	}
	var sending sync.WaitGroup
	answers := make([]answer, racers)
	failures := make([]error, racers)
	for i := int64(0); i < racers; i++ {
		request, err := t.request(t.seen, t.seen+1+i, t.log.signer)
		if err != nil {
			return err
		}
		sending.Add(1)
		go func(i int64) {
			defer sending.Done()
			answers[i], failures[i] = t.send(request.encode())
		}(i)
	}
	sending.Wait()
	var winner int64
	for i, answer := range answers {
		if failures[i] != nil {
			return failures[i]
		}
		if answer.status == http.StatusOK {
			if winner != 0 {
				return fmt.Errorf("sizes %d and %d were both taken as the next after %d", winner, t.seen+1+int64(i), t.seen)
			}
			winner = t.seen + 1 + int64(i)
		}
	}
	if winner == 0 {
		return fmt.Errorf("of %d requests at once none was taken", racers)
	}
	t.seen = winner
	for _, answer := range answers {
		if answer.status != http.StatusOK {
			if err := t.isConflict(answer); err != nil {
				return err
			}
		}
	}
	return nil
}

// request is the honest one between two sizes.
func (t *witnessTest) request(old, size int64, signer note.Signer) (addCheckpoint, error) {
	head, err := t.log.head(size)
	if err != nil {
		return addCheckpoint{}, err
	}
	head.Origin = signer.Name()
	signed, err := head.sign(signer)
	if err != nil {
		return addCheckpoint{}, err
	}
	proof, err := t.log.proof(old, size)
	return addCheckpoint{old, proof, signed}, err
}

// An answer is what a witness said.
type answer struct {
	status      int
	contentType string
	body        string
}

func (t *witnessTest) send(body string) (answer, error) {
	response, err := http.Post(strings.TrimSuffix(t.url, "/")+"/add-checkpoint", "text/plain", strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header.Get("Content-Type"), string(text)}, err
}
