// Command tessera runs Tessera's POSIX driver for the comparison.
//
// Set as its documentation has it: batching by size and age, checkpoints at the shortest interval that the driver takes,
// which is also what its one-shot example uses. An answer is given when the index future resolves: entry bundle, tiles
// and tree state are synced then (storage/posix/README.md, file_ops.go).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"causebook.example/bench/load"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
	"k8s.io/klog/v2"
)

const (
	origin = "bench.example/tessera"
	// The size of the comparison's batches: one batch is sequenced at once.
	batchSize = 1000
	// Shorter than the default of 250 ms, with which 64 callers that wait would get 256 records a second.
	batchAge           = 10 * time.Millisecond
	checkpointInterval = 100 * time.Millisecond
	pollInterval       = 5 * time.Millisecond
	checkpointWaitMax  = 60 * time.Second
	fsckWorkers        = 2
	// Beside the log, so that the key is no part of what is counted.
	keySuffix = ".key"
)

func main() {
	quiet := flag.NewFlagSet("klog", flag.ExitOnError)
	klog.InitFlags(quiet)
	// What it says in passing goes nowhere; errors are still told.
	if err := quiet.Parse([]string{"-logtostderr=false", "-stderrthreshold=ERROR"}); err != nil {
		panic(err)
	}
	klog.SetOutput(io.Discard)
	load.Main("tessera", system{})
}

type system struct{}

type keys struct {
	signer   note.Signer
	verifier note.Verifier
}

func makeKeys(folder string) (keys, error) {
	private, public, err := note.GenerateKey(nil, origin)
	if err != nil {
		return keys{}, err
	}
	if err := os.WriteFile(folder+keySuffix, []byte(public), 0o644); err != nil {
		return keys{}, err
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		return keys{}, err
	}
	verifier, err := note.NewVerifier(public)
	return keys{signer, verifier}, err
}

func (system) Open(folder string) (load.Store, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	logFolder := filepath.Join(folder, "log")
	own, err := makeKeys(logFolder)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	driver, err := posix.New(ctx, posix.Config{Path: logFolder})
	if err != nil {
		cancel()
		return nil, err
	}
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(own.signer).
		WithBatching(batchSize, batchAge).
		WithCheckpointInterval(checkpointInterval)
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		cancel()
		return nil, err
	}
	return &writer{ctx, cancel, appender, shutdown, reader, own.verifier}, nil
}

type writer struct {
	ctx      context.Context
	cancel   context.CancelFunc
	appender *tessera.Appender
	shutdown func(context.Context) error
	reader   tessera.LogReader
	verifier note.Verifier
}

func (w *writer) AppendBatch(entries []load.Entry) error {
	futures := make([]tessera.IndexFuture, len(entries))
	for place, entry := range entries {
		futures[place] = w.appender.Add(w.ctx, tessera.NewEntry(entry.JSON))
	}
	for _, future := range futures {
		if _, err := future(); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) AppendOne(entry load.Entry) (uint64, error) {
	index, err := w.appender.Add(w.ctx, tessera.NewEntry(entry.JSON))()
	return index.Index, err
}

func (w *writer) WaitCheckpoint(size uint64) (uint64, error) {
	for begin := time.Now(); time.Since(begin) < checkpointWaitMax; time.Sleep(pollInterval) {
		checkpoint, _, _, err := client.FetchCheckpoint(w.ctx, w.reader.ReadCheckpoint, w.verifier, origin)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return 0, err
		}
		if err == nil && checkpoint.Size >= size {
			return checkpoint.Size, nil
		}
	}
	return 0, fmt.Errorf("no checkpoint covered %d records", size)
}

// Settle waits for the checkpoint that covers everything: tiles are written before the answers.
func (w *writer) Settle() error {
	size, err := w.reader.IntegratedSize(w.ctx)
	if err != nil || size == 0 {
		return err
	}
	_, err = w.WaitCheckpoint(size)
	return err
}

func (w *writer) Close() error {
	defer w.cancel()
	return w.shutdown(w.ctx)
}

func (system) Read(folder string) (load.Archive, error) {
	logFolder := filepath.Join(folder, "log")
	public, err := os.ReadFile(logFolder + keySuffix)
	if err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(string(public))
	return archive{logFolder, verifier}, err
}

type archive struct {
	folder   string
	verifier note.Verifier
}

// Verify runs Tessera's own check: all leaves hashed, all tiles and the root computed again.
func (a archive) Verify() (uint64, error) {
	ctx := context.Background()
	fetcher := client.FileFetcher{Root: a.folder}
	checkpoint, _, _, err := client.FetchCheckpoint(ctx, fetcher.ReadCheckpoint, a.verifier, origin)
	if err != nil {
		return 0, err
	}
	check := fsck.New(origin, a.verifier, fetcher, leafHashes, fsck.Opts{N: fsckWorkers})
	return checkpoint.Size, check.Check(ctx)
}

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

func (archive) Close() error {
	return nil
}

// Bytes leaves out partial tiles and bundles that a full one has replaced: Tessera removes them in its own time.
func (system) Bytes(folder string) (map[string]uint64, error) {
	logFolder := filepath.Join(folder, "log")
	bytes, err := load.SizeOf(logFolder, func(path string) bool {
		full, partial := strings.CutSuffix(path, ".p")
		_, err := os.Stat(full)
		return partial && err == nil
	})
	return map[string]uint64{"log": bytes}, err
}
