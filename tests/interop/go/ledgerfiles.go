package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// tileHeight is that of C2SP tlog-tiles: 256 hashes a tile.
const tileHeight = 8

// A ledgerFolder is the tlog-tiles view of one ledger in plain files, and the blocks beside it.
type ledgerFolder struct {
	path string
	// files that were read and are immutable: tiles and bundles of one size are those of all larger ones
	tiles   map[string][]byte
	bundles map[string][]tlog.Hash
	blocks  int
}

func openLedgerFolder(path string) *ledgerFolder {
	return &ledgerFolder{path: path, tiles: map[string][]byte{}, bundles: map[string][]tlog.Hash{}}
}

func (f *ledgerFolder) read(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(f.path, filepath.FromSlash(name)))
}

// tilePath is the path of C2SP, which has no segment for the height and says "entries" where Go says "data".
func tilePath(tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tile.H))
	return "tile/" + strings.Replace(path, "data/", "entries/", 1)
}

// readOrLarger reads a tile or bundle, or what has taken the place of a partial one: only the newest tree heads keep theirs, and a
// larger one begins with it. It returns the width of what it read, too.
func (f *ledgerFolder) readOrLarger(tile tlog.Tile) ([]byte, int, error) {
	data, err := f.read(tilePath(tile))
	width := tile.W
	for larger := tile; err != nil && os.IsNotExist(err) && larger.W < 1<<tileHeight; {
		larger.W++
		if found, none := f.read(tilePath(larger)); none == nil {
			data, width, err = found, larger.W, nil
		}
	}
	return data, width, err
}

// tile reads a hash tile, which must have exactly the width that its path says.
func (f *ledgerFolder) tile(tile tlog.Tile) ([]byte, error) {
	path := tilePath(tile)
	if data, ok := f.tiles[path]; ok {
		return data, nil
	}
	data, width, err := f.readOrLarger(tile)
	if err != nil {
		return nil, err
	}
	if len(data) != width*tlog.HashSize {
		return nil, fmt.Errorf("%s has %d bytes, not %d", path, len(data), width*tlog.HashSize)
	}
	data = data[:tile.W*tlog.HashSize]
	f.tiles[path] = data
	return data, nil
}

// bundle reads an entry bundle, compares each entry with its block, and returns the leaf hashes.
func (f *ledgerFolder) bundle(level0 tlog.Tile) ([]tlog.Hash, error) {
	entries := level0
	entries.L = -1
	path := tilePath(entries)
	if leaves, ok := f.bundles[path]; ok {
		return leaves, nil
	}
	data, width, err := f.readOrLarger(entries)
	if err != nil {
		return nil, err
	}
	var leaves []tlog.Hash
	for len(data) > 0 {
		entry, rest, ok := nextEntry(data)
		if !ok {
			return nil, fmt.Errorf("%s ends within entry %d", path, len(leaves))
		}
		height := level0.N<<tileHeight + int64(len(leaves))
		if err := f.compareBlock(height, entry, path); err != nil {
			return nil, err
		}
		leaves, data = append(leaves, tlog.RecordHash(entry)), rest
	}
	if len(leaves) != width {
		return nil, fmt.Errorf("%s holds %d entries, not %d", path, len(leaves), width)
	}
	leaves = leaves[:level0.W]
	f.bundles[path] = leaves
	return leaves, nil
}

func nextEntry(data []byte) (entry, rest []byte, ok bool) {
	if len(data) < 2 {
		return nil, nil, false
	}
	end := 2 + int(binary.BigEndian.Uint16(data))
	if len(data) < end {
		return nil, nil, false
	}
	return data[2:end], data[end:], true
}

func (f *ledgerFolder) compareBlock(height int64, entry []byte, bundle string) error {
	block, err := f.block(height)
	if err != nil {
		return err
	}
	if !bytes.Equal(block, entry) {
		return fmt.Errorf("block/%d is not the entry in %s", height, bundle)
	}
	f.blocks++
	return nil
}

func (f *ledgerFolder) block(height int64) ([]byte, error) {
	return f.read(fmt.Sprintf("block/%d", height))
}

// sizes lists the sizes for which a checkpoint was kept, in no order.
func (f *ledgerFolder) sizes() ([]int64, error) {
	names, err := filepath.Glob(filepath.Join(f.path, "checkpoint.*"))
	if err != nil {
		return nil, err
	}
	var sizes []int64
	for _, name := range names {
		text := strings.TrimPrefix(filepath.Base(name), "checkpoint.")
		size, err := strconv.ParseInt(text, 10, 64)
		if err != nil || strconv.FormatInt(size, 10) != text {
			return nil, fmt.Errorf("%s names no size", filepath.Base(name))
		}
		sizes = append(sizes, size)
	}
	return sizes, nil
}

// tilesOf lists the hash tiles that a tree of a size consists of, per tlog-tiles: full ones, and at the end of a level
// one with what is left over.
func tilesOf(size int64) []tlog.Tile {
	var tiles []tlog.Tile
	for level := 0; size>>(tileHeight*level) > 0; level++ {
		count := size >> (tileHeight * level)
		for n := int64(0); n<<tileHeight < count; n++ {
			width := count - n<<tileHeight
			if width > 1<<tileHeight {
				width = 1 << tileHeight
			}
			tiles = append(tiles, tlog.Tile{H: tileHeight, L: level, N: n, W: int(width)})
		}
	}
	return tiles
}
