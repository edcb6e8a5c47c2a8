package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"
)

// maxRequest is more than a request with sixteen post-quantum signatures has.
const maxRequest = 1 << 18

// A witness answers add-checkpoint as C2SP tlog-witness says.
type witness struct {
	mutex     sync.Mutex // comparing and persisting are one step
	state     *witnessState
	signer    cosigner
	second    cosigner // a key that no policy names: answers may hold lines that the log must pass over
	logs      map[string]note.Verifiers
	dieAtSize int64
}

// foreignWitness is the command. It prints its verifier key and its address, and answers until it is killed.
func foreignWitness(arguments []string) error {
	var keys keyList
	flags := flag.NewFlagSet("foreignwitness", flag.ExitOnError)
	name := flags.String("name", "witness.example/foreign", "the witness's name")
	path := flags.String("state", "", "the file of its state")
	listen := flags.String("listen", "127.0.0.1:0", "the address to answer at")
	die := flags.Int64("die-at-size", -1, "end after this size was persisted, before the answer")
	flags.Var(&keys, "log", "the verifier key of a log to serve; may be repeated")
	flags.Parse(arguments)

	state, err := openWitnessState(*path)
	if err != nil {
		return err
	}
	w := &witness{
		state:     state,
		signer:    newCosigner(*name, state.Seed),
		second:    newCosigner(*name, state.Second),
		logs:      map[string]note.Verifiers{},
		dieAtSize: *die,
	}
	for _, key := range keys {
		verifier, err := note.NewVerifier(key)
		if err != nil {
			return err
		}
		w.logs[verifier.Name()] = note.VerifierList(verifier)
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	if err := printLine(map[string]string{"key": w.signer.String(), "address": "http://" + listener.Addr().String()}); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/add-checkpoint", w)
	return http.Serve(listener, mux)
}

// A refusal is an answer that is no cosignature.
type refusal struct {
	status int
	reason string
}

func (r refusal) Error() string { return r.reason }

func (w *witness) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	if request.Method != http.MethodPost {
		http.Error(response, "POST", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(response, request.Body, maxRequest))
	if err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	lines, err := w.answer(string(body))
	var refused refusal
	switch {
	case err == nil:
		io.WriteString(response, lines)
	case !errors.As(err, &refused):
		http.Error(response, err.Error(), http.StatusInternalServerError)
	case refused.status == http.StatusConflict:
		response.Header().Set("Content-Type", "text/x.tlog.size")
		response.WriteHeader(refused.status)
		io.WriteString(response, refused.reason)
	default:
		http.Error(response, refused.reason, refused.status)
	}
}

// answer gives the cosignature's lines, or a refusal.
func (w *witness) answer(body string) (string, error) {
	request, err := parseAddCheckpoint(body)
	if err != nil {
		return "", refusal{http.StatusBadRequest, err.Error()}
	}
	head, err := w.open(request.Checkpoint)
	if err != nil {
		return "", err
	}
	if request.Old > head.Tree.N {
		return "", refusal{http.StatusBadRequest, fmt.Sprintf("old size %d is beyond %d", request.Old, head.Tree.N)}
	}

	w.mutex.Lock()
	defer w.mutex.Unlock()
	seen, known := w.state.Seen[head.Origin]
	if !known {
		seen.Hash = emptyRoot
	}
	if request.Old != seen.N {
		return "", refusal{http.StatusConflict, fmt.Sprintf("%d\n", seen.N)}
	}
	if err := checkConsistency(request.Proof, seen, head.Tree); err != nil {
		return "", refusal{http.StatusUnprocessableEntity, err.Error()}
	}
	// Ending before this line: nothing was signed. After it: the log is told the new size and asks again.
	w.state.Seen[head.Origin] = head.Tree
	if err := w.state.persist(); err != nil {
		return "", err
	}
	if head.Tree.N == w.dieAtSize {
		endNow()
	}
	return w.cosign(head.text())
}

func (w *witness) cosign(text string) (string, error) {
	var lines string
	for _, key := range []cosigner{w.second, w.signer} {
		line, err := key.line(text)
		if err != nil {
			return "", err
		}
		lines += line
	}
	return lines, nil
}

// open reads a checkpoint that a known key of its origin signed.
func (w *witness) open(signed []byte) (checkpoint, error) {
	origin, _, _ := strings.Cut(string(signed), "\n")
	logs, known := w.logs[origin]
	if !known {
		logs = note.VerifierList() // for what is no note at all is malformed, whatever its first line
	}
	opened, err := note.Open(signed, logs)
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case errors.As(err, &unverified) && !known:
		return checkpoint{}, refusal{http.StatusNotFound, fmt.Sprintf("%q is not served here", origin)}
	case errors.As(err, &unverified), errors.As(err, &invalid):
		return checkpoint{}, refusal{http.StatusForbidden, err.Error()}
	case err != nil:
		return checkpoint{}, refusal{http.StatusBadRequest, err.Error()}
	}
	head, err := parseCheckpoint(opened.Text)
	if err != nil {
		return checkpoint{}, refusal{http.StatusBadRequest, err.Error()}
	}
	return head, nil
}
