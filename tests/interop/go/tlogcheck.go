package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand"
	"sort"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// randomLeaves is how many leaves are proven at each size beside the first, the last and those at boundaries.
const randomLeaves = 8

// A ledgerCheck checks one ledger with the reference implementation and counts what it has seen.
type ledgerCheck struct {
	folder    *ledgerFolder
	logs      note.Verifiers
	origin    string
	witnesses []cosignKey
	published []string
	random    *rand.Rand

	Checkpoints  int   `json:"checkpoints"`
	Size         int64 `json:"size"`
	Tiles        int   `json:"tiles"`
	Bundles      int   `json:"bundles"`
	Blocks       int   `json:"blocks"`
	RecordProofs int   `json:"recordProofs"`
	TreeProofs   int   `json:"treeProofs"`
	Cosignatures int   `json:"cosignatures"`
	Seed         int64 `json:"seed"`
}

// tlogcheck is the command: a ledger's folder, the keys that may have signed its tree heads, the witnesses that must
// have cosigned each of them, and the sizes whose tree heads must have been kept.
func tlogcheck(arguments []string) error {
	var keys, witnesses, published keyList
	flags := flag.NewFlagSet("tlogcheck", flag.ExitOnError)
	path := flags.String("ledger", "", "the ledger's folder")
	seed := flags.Int64("seed", 1, "chooses the random leaves")
	flags.Var(&keys, "key", "a verifier key of the ledger's tree heads; may be repeated")
	flags.Var(&witnesses, "witness", "a verifier key whose cosignature each tree head must have; may be repeated")
	flags.Var(&published, "published", "a size that was published; may be repeated")
	flags.Parse(arguments)

	check := &ledgerCheck{
		folder:    openLedgerFolder(*path),
		published: published,
		Seed:      *seed,
		random:    rand.New(rand.NewSource(*seed)),
	}
	if err := check.trust(keys, witnesses); err != nil {
		return err
	}
	if err := check.run(); err != nil {
		return err
	}
	return printLine(check)
}

func (c *ledgerCheck) trust(keys, witnesses []string) error {
	var verifiers []note.Verifier
	for _, key := range keys {
		verifier, err := note.NewVerifier(key)
		if err != nil {
			return err
		}
		verifiers = append(verifiers, verifier)
		c.origin = verifier.Name()
	}
	c.logs = note.VerifierList(verifiers...)
	for _, key := range witnesses {
		witness, err := parseCosignKey(key)
		if err != nil {
			return err
		}
		c.witnesses = append(c.witnesses, witness)
	}
	return nil
}

func (c *ledgerCheck) run() error {
	trees, err := c.keptTrees()
	if err != nil {
		return err
	}
	for _, size := range c.published {
		if _, err := c.openCheckpoint("checkpoint." + size); err != nil {
			return err
		}
	}
	newest := trees[len(trees)-1]
	current, err := c.openCheckpoint("checkpoint")
	if err != nil {
		return err
	}
	if current != newest {
		return fmt.Errorf("checkpoint has size %d, the newest kept one %d, or another root", current.N, newest.N)
	}
	c.Size = newest.N
	for i, tree := range trees {
		if err := c.checkTree(tree); err != nil {
			return fmt.Errorf("size %d: %w", tree.N, err)
		}
		if i == 0 {
			continue
		}
		if err := c.checkGrowth(trees[i-1], tree); err != nil {
			return err
		}
	}
	for _, tree := range trees[:len(trees)-1] {
		if err := c.checkGrowth(tree, newest); err != nil {
			return err
		}
	}
	c.Tiles, c.Bundles, c.Blocks = len(c.folder.tiles), len(c.folder.bundles), c.folder.blocks
	return nil
}

// keptTrees opens every kept checkpoint, smallest first.
func (c *ledgerCheck) keptTrees() ([]tlog.Tree, error) {
	sizes, err := c.folder.sizes()
	if err != nil {
		return nil, err
	}
	if len(sizes) == 0 {
		return nil, errors.New("no checkpoint was kept")
	}
	sort.Slice(sizes, func(i, j int) bool { return sizes[i] < sizes[j] })
	var trees []tlog.Tree
	for _, size := range sizes {
		name := fmt.Sprintf("checkpoint.%d", size)
		tree, err := c.openCheckpoint(name)
		if err != nil {
			return nil, err
		}
		if tree.N != size {
			return nil, fmt.Errorf("%s is of size %d", name, tree.N)
		}
		trees = append(trees, tree)
		c.Checkpoints++
	}
	return trees, nil
}

// openCheckpoint opens it once for the log's keys and once for each witness: note.Open is content with any known key,
// here each of them is needed.
func (c *ledgerCheck) openCheckpoint(name string) (tlog.Tree, error) {
	bytes, err := c.folder.read(name)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(bytes, c.logs)
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("%s: %w", name, err)
	}
	for _, witness := range c.witnesses {
		if _, err := note.Open(bytes, note.VerifierList(witness)); err != nil {
			return tlog.Tree{}, fmt.Errorf("%s, cosignature of %s: %w", name, witness.name, err)
		}
		c.Cosignatures++
	}
	head, err := parseCheckpoint(opened.Text)
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("%s: %w", name, err)
	}
	if head.Origin != c.origin || len(head.Extensions) != 0 {
		return tlog.Tree{}, fmt.Errorf("%s is of %q, with %d extension lines", name, head.Origin, len(head.Extensions))
	}
	return head.Tree, nil
}

// checkTree checks all tiles and bundles of one size against its root, and proofs of some leaves.
func (c *ledgerCheck) checkTree(tree tlog.Tree) error {
	if tree.N == 0 {
		if tree.Hash != emptyRoot {
			return errors.New("a tree without leaves has another root")
		}
		return nil
	}
	tiles := &tileLister{folder: c.folder, asked: map[string]bool{}}
	hashes := tlog.TileHashReader(tree, tiles)
	root, err := tlog.TreeHash(tree.N, hashes)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return errors.New("the tiles give another root")
	}
	leaves, err := c.checkLeaves(tree, hashes)
	if err != nil {
		return err
	}
	// The reader authenticates each tile it asks for. That those are all there are, and no others:
	expected := tilesOf(tree.N)
	for _, tile := range expected {
		if !tiles.asked[tilePath(tile)] {
			return fmt.Errorf("%s was not needed for any leaf", tilePath(tile))
		}
	}
	if len(tiles.asked) != len(expected) {
		return fmt.Errorf("%d tiles were needed, %d expected", len(tiles.asked), len(expected))
	}
	return c.checkRecords(tree, hashes, leaves)
}

// checkLeaves reads every leaf hash through the level-0 tiles and compares it with the hash of its entry.
func (c *ledgerCheck) checkLeaves(tree tlog.Tree, hashes tlog.HashReader) ([]tlog.Hash, error) {
	indexes := make([]int64, tree.N)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, int64(i))
	}
	leaves, err := hashes.ReadHashes(indexes)
	if err != nil {
		return nil, err
	}
	for _, tile := range tilesOf(tree.N) {
		if tile.L != 0 {
			continue
		}
		entries, err := c.folder.bundle(tile)
		if err != nil {
			return nil, err
		}
		for i, entry := range entries {
			if height := tile.N<<tileHeight + int64(i); leaves[height] != entry {
				return nil, fmt.Errorf("entry %d does not hash to the leaf in %s", height, tilePath(tile))
			}
		}
	}
	return leaves, nil
}

// checkRecords proves leaves as a client that holds one block would see them proven.
func (c *ledgerCheck) checkRecords(tree tlog.Tree, hashes tlog.HashReader, leaves []tlog.Hash) error {
	chosen := []int64{0, 1, 127, 128, 255, 256, 257, 511, 512, 65_279, 65_280, 65_535, 65_536, tree.N / 2, tree.N - 2, tree.N - 1}
	for i := 0; i < randomLeaves; i++ {
		chosen = append(chosen, c.random.Int63n(tree.N))
	}
	for _, height := range chosen {
		if height < 0 || height >= tree.N {
			continue
		}
		proof, err := tlog.ProveRecord(tree.N, height, hashes)
		if err != nil {
			return fmt.Errorf("leaf %d: %w", height, err)
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, height, leaves[height]); err != nil {
			return fmt.Errorf("leaf %d: %w", height, err)
		}
		c.RecordProofs++
	}
	return nil
}

// checkGrowth proves from the newer tree's tiles that it begins with the older one.
func (c *ledgerCheck) checkGrowth(older, newer tlog.Tree) error {
	if older.N == 0 {
		return nil // every tree begins with the empty one
	}
	hashes := tlog.TileHashReader(newer, &tileLister{folder: c.folder, asked: map[string]bool{}})
	proof, err := tlog.ProveTree(newer.N, older.N, hashes)
	if err == nil {
		err = tlog.CheckTree(proof, newer.N, newer.Hash, older.N, older.Hash)
	}
	if err != nil {
		return fmt.Errorf("size %d does not begin with size %d: %w", newer.N, older.N, err)
	}
	c.TreeProofs++
	return nil
}

// A tileLister is the tlog.TileReader over our files; it remembers which ones were needed.
type tileLister struct {
	folder *ledgerFolder
	asked  map[string]bool
}

func (l *tileLister) Height() int { return tileHeight }

func (l *tileLister) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	var missing []string
	for i, tile := range tiles {
		var err error
		if data[i], err = l.folder.tile(tile); err != nil {
			missing = append(missing, err.Error())
		}
		l.asked[tilePath(tile)] = true
	}
	if len(missing) > 0 {
		return nil, errors.New(strings.Join(missing, "; "))
	}
	return data, nil
}

// SaveTiles has nothing to do: the files are there already.
func (l *tileLister) SaveTiles([]tlog.Tile, [][]byte) {}
