// Command tiles verifies a running server's log with the public tools: Tessera's fsck over every tile and every entry,
// and proofs of consistency between sizes, checked by the library of the transparency project. Nothing here is ours but
// the calls.
//
//	tiles -ledger http://127.0.0.1:7373/v1/ledgers/main -vkey VKEY [-token-file FILE]
//
// It prints one line and ends with 0 if everything holds, and with 1 and the reason if not.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
)

// Workers that fetch at one time.
const workers = 4

func main() {
	ledger := flag.String("ledger", "", "URL of the ledger, without a slash at the end")
	vkey := flag.String("vkey", "", "the log's Ed25519 key, as a verifier key of signed notes")
	tokenFile := flag.String("token-file", "", "file with a token, where the server asks for one")
	flag.Parse()
	said, err := verify(context.Background(), *ledger, *vkey, *tokenFile)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(said)
}

func verify(ctx context.Context, ledger, vkey, tokenFile string) (string, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return "", fmt.Errorf("the key: %w", err)
	}
	token, err := readToken(tokenFile)
	if err != nil {
		return "", err
	}
	root, err := url.Parse(ledger + "/log/")
	if err != nil {
		return "", err
	}
	web := &http.Client{Timeout: 30 * time.Second}
	fetcher, err := client.NewHTTPFetcher(root, web)
	if err != nil {
		return "", err
	}
	if token != "" {
		fetcher.SetAuthorizationHeader("Bearer " + token)
	}
	// The origin is the name in the key.
	origin := verifier.Name()
	check := fsck.New(origin, verifier, fetcher, leafHashes, fsck.Opts{N: workers})
	if err := check.Check(ctx); err != nil {
		return "", fmt.Errorf("fsck: %w", err)
	}
	newest, _, _, err := client.FetchCheckpoint(ctx, fetcher.ReadCheckpoint, verifier, origin)
	if err != nil {
		return "", fmt.Errorf("the checkpoint: %w", err)
	}
	leaves, err := client.FetchLeafHashes(ctx, fetcher.ReadTile, 0, newest.Size, newest.Size)
	if err != nil {
		return "", fmt.Errorf("the leaves: %w", err)
	}
	sizes := chosen(newest.Size)
	for _, from := range sizes {
		if err := consistent(ctx, web, token, ledger, fetcher, leaves, from, newest.Size); err != nil {
			return "", fmt.Errorf("consistency of %d and %d: %w", from, newest.Size, err)
		}
	}
	return fmt.Sprintf("%d entries and every tile hold under the checkpoint; consistent with %d earlier sizes", newest.Size, len(sizes)), nil
}

func readToken(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	token, err := os.ReadFile(file)
	return strings.TrimSpace(string(token)), err
}

// leafHashes gives the leaf hashes of an entry bundle.
func leafHashes(bundle []byte) ([][]byte, error) {
	var entries api.EntryBundle
	if err := entries.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	hashes := make([][]byte, 0, len(entries.Entries))
	for _, entry := range entries.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(entry))
	}
	return hashes, nil
}

// chosen gives sizes where trees change their shape, and some between.
func chosen(size uint64) []uint64 {
	var sizes []uint64
	for _, candidate := range []uint64{1, 2, 3, 255, 256, 257, size / 3, size / 2, size - 1, size} {
		if candidate > 0 && candidate <= size {
			sizes = append(sizes, candidate)
		}
	}
	return sizes
}

// consistent checks the proof that the server gives, and the one that is made from its tiles, against roots computed from
// the leaves.
func consistent(ctx context.Context, web *http.Client, token, ledger string, fetcher *client.HTTPFetcher, leaves [][]byte, from, to uint64) error {
	fromRoot, err := rootOf(leaves[:from])
	if err != nil {
		return err
	}
	toRoot, err := rootOf(leaves[:to])
	if err != nil {
		return err
	}
	given, err := serverProof(ctx, web, token, ledger, from, to)
	if err != nil {
		return err
	}
	if !bytes.Equal(given.FromRoot, fromRoot) || !bytes.Equal(given.ToRoot, toRoot) {
		return errors.New("the server gives other roots than the leaves")
	}
	hasher := rfc6962.DefaultHasher
	if err := proof.VerifyConsistency(hasher, from, to, given.Proof, fromRoot, toRoot); err != nil {
		return fmt.Errorf("the server's proof: %w", err)
	}
	builder, err := client.NewProofBuilder(ctx, to, fetcher.ReadTile)
	if err != nil {
		return err
	}
	made, err := builder.ConsistencyProof(ctx, from, to)
	if err != nil {
		return err
	}
	if err := proof.VerifyConsistency(hasher, from, to, made, fromRoot, toRoot); err != nil {
		return fmt.Errorf("the proof made from tiles: %w", err)
	}
	return nil
}

func rootOf(leaves [][]byte) ([]byte, error) {
	tree := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	for _, leaf := range leaves {
		if len(leaf) != sha256.Size {
			return nil, errors.New("a leaf is not 32 bytes")
		}
		if err := tree.Append(leaf, nil); err != nil {
			return nil, err
		}
	}
	return tree.GetRootHash(nil)
}

// consistency is what the server answers; encoding/json reads its base64 into bytes.
type consistency struct {
	FromRoot []byte   `json:"from_root"`
	ToRoot   []byte   `json:"to_root"`
	Proof    [][]byte `json:"proof"`
}

func serverProof(ctx context.Context, web *http.Client, token, ledger string, from, to uint64) (*consistency, error) {
	address := fmt.Sprintf("%s/consistency?from=%d&to=%d", ledger, from, to)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := web.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", response.Status, body)
	}
	var proof consistency
	return &proof, json.Unmarshal(body, &proof)
}
