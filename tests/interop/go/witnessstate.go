package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"
)

// A witnessState is all that a witness must not forget: its keys, and the newest tree that it has seen of each log.
type witnessState struct {
	Seed   []byte               `json:"seed"`
	Second []byte               `json:"second"`
	Seen   map[string]tlog.Tree `json:"seen"`

	path string
}

// openWitnessState reads the file, or makes new keys where there is none.
func openWitnessState(path string) (*witnessState, error) {
	state := &witnessState{Seed: make([]byte, 32), Second: make([]byte, 32), Seen: map[string]tlog.Tree{}, path: path}
	text, err := os.ReadFile(path)
	if err == nil {
		return state, json.Unmarshal(text, state)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, seed := range [][]byte{state.Seed, state.Second} {
		if _, err := rand.Read(seed); err != nil {
			return nil, err
		}
	}
	return state, state.persist()
}

// persist returns when the state would survive the loss of power: written and flushed under another name, renamed,
// and the folder flushed.
func (s *witnessState) persist() error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(s.path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Write(text); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := os.Rename(s.path+".new", s.path); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(s.path))
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}
