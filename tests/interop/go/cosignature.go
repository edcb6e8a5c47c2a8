package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// cosignatureType is the signature type of cosignature/v1 (C2SP tlog-cosignature). x/mod knows type 1 only, so that
// this file is a note.Signer and a note.Verifier for it.
const cosignatureType = 4

// timeSize is the number of bytes before the Ed25519 signature: seconds, big-endian.
const timeSize = 8

// cosignKey is the public half of a witness's key.
type cosignKey struct {
	name   string
	public ed25519.PublicKey
}

func (k cosignKey) Name() string { return k.name }

func (k cosignKey) typed() []byte { return append([]byte{cosignatureType}, k.public...) }

func (k cosignKey) KeyHash() uint32 {
	hash := sha256.Sum256(append([]byte(k.name+"\n"), k.typed()...))
	return binary.BigEndian.Uint32(hash[:])
}

// String is the verifier key as policies have it.
func (k cosignKey) String() string {
	return fmt.Sprintf("%s+%08x+%s", k.name, k.KeyHash(), base64.StdEncoding.EncodeToString(k.typed()))
}

func (k cosignKey) Verify(text, signature []byte) bool {
	if len(signature) != timeSize+ed25519.SignatureSize {
		return false
	}
	seconds := binary.BigEndian.Uint64(signature)
	return ed25519.Verify(k.public, cosignedMessage(seconds, text), signature[timeSize:])
}

func cosignedMessage(seconds uint64, text []byte) []byte {
	return append([]byte(fmt.Sprintf("cosignature/v1\ntime %d\n", seconds)), text...)
}

// parseCosignKey reads a verifier key of a witness.
func parseCosignKey(vkey string) (cosignKey, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return cosignKey{}, fmt.Errorf("%q is no verifier key", vkey)
	}
	typed, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(typed) != 1+ed25519.PublicKeySize || typed[0] != cosignatureType {
		return cosignKey{}, fmt.Errorf("%q is no verifier key for cosignatures", vkey)
	}
	key := cosignKey{parts[0], typed[1:]}
	if key.String() != vkey {
		return cosignKey{}, fmt.Errorf("%q has another key id than its own", vkey)
	}
	return key, nil
}

// cosigner is a witness's private key.
type cosigner struct {
	cosignKey
	private ed25519.PrivateKey
}

func newCosigner(name string, seed []byte) cosigner {
	private := ed25519.NewKeyFromSeed(seed)
	return cosigner{cosignKey{name, private.Public().(ed25519.PublicKey)}, private}
}

// Sign cosigns as of now.
func (c cosigner) Sign(text []byte) ([]byte, error) {
	seconds := uint64(time.Now().Unix())
	stamp := binary.BigEndian.AppendUint64(nil, seconds)
	return append(stamp, ed25519.Sign(c.private, cosignedMessage(seconds, text))...), nil
}

// line is the signature line under a text.
func (c cosigner) line(text string) (string, error) {
	signed, err := note.Sign(&note.Note{Text: text}, c)
	return strings.TrimPrefix(string(signed), text+"\n"), err
}
