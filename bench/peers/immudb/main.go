// Command immudb runs immudb's embedded store for the comparison.
//
// Set as its defaults and its own stress tool have it: every commit synced, as many concurrent commits as there are
// callers. Only the time that commits are gathered for is shorter than the default. An answer is given when the transaction is durable; the index follows, as
// Causebook's does.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"causebook.example/bench/load"
	"github.com/codenotary/immudb/embedded/htree"
	"github.com/codenotary/immudb/embedded/logger"
	"github.com/codenotary/immudb/embedded/store"
)

const (
	// Callers of the open loop that commit at the same time; the others wait for one of them, not for an error.
	concurrency = 256
	// With the default of 20 ms callers that wait would wait for the clock, not for the disk.
	syncFrequency = 2 * time.Millisecond
	// The default of 4 KB would refuse an exchange with a language model.
	valueBytesMax = 1 << 20
)

func main() {
	load.Main("immudb", system{})
}

type system struct{}

func open(folder string) (*store.ImmuStore, error) {
	options := store.DefaultOptions().
		WithSynced(true).
		WithSyncFrequency(syncFrequency).
		WithMaxConcurrency(concurrency).
		WithMaxActiveTransactions(2 * concurrency).
		WithMaxValueLen(valueBytesMax).
		WithLogger(logger.NewSimpleLoggerWithLevel("immudb", io.Discard, logger.LogError))
	return store.Open(filepath.Join(folder, "store"), options)
}

func (system) Open(folder string) (load.Store, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	opened, err := open(folder)
	if err != nil {
		return nil, err
	}
	return &writer{opened, make(chan struct{}, concurrency)}, nil
}

type writer struct {
	store *store.ImmuStore
	room  chan struct{}
}

func (w *writer) commit(entries []load.Entry) (*store.TxHeader, error) {
	w.room <- struct{}{}
	defer func() { <-w.room }()
	ctx := context.Background()
	tx, err := w.store.NewWriteOnlyTx(ctx)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if err := tx.Set([]byte(entry.ID), nil, entry.JSON); err != nil {
			return nil, errors.Join(err, tx.Cancel())
		}
	}
	// Durable when it returns; only the index is waited for no longer.
	return tx.AsyncCommit(ctx)
}

func (w *writer) AppendBatch(entries []load.Entry) error {
	_, err := w.commit(entries)
	return err
}

func (w *writer) AppendOne(entry load.Entry) (uint64, error) {
	header, err := w.commit([]load.Entry{entry})
	if err != nil {
		return 0, err
	}
	return header.ID, nil
}

func (w *writer) Settle() error {
	return w.store.WaitForIndexingUpto(context.Background(), w.store.LastCommittedTxID())
}

func (w *writer) Close() error {
	return w.store.Close()
}

func (system) Read(folder string) (load.Archive, error) {
	opened, err := open(folder)
	if err != nil {
		return nil, err
	}
	if err := opened.WaitForIndexingUpto(context.Background(), opened.LastCommittedTxID()); err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return archive{opened}, nil
}

type archive struct {
	store *store.ImmuStore
}

// Verify does what immudb's own stress tool does: a full scan that checks the link of every transaction to the one before
// it, and the inclusion of every value, read again, in its transaction.
func (a archive) Verify() (uint64, error) {
	pool, err := a.store.NewTxHolderPool(1, false)
	if err != nil {
		return 0, err
	}
	holder, err := pool.Alloc()
	if err != nil {
		return 0, err
	}
	defer pool.Release(holder)
	reader, err := a.store.NewTxReader(1, false, holder)
	if err != nil {
		return 0, err
	}
	var records uint64
	for {
		tx, err := reader.Read()
		if errors.Is(err, store.ErrNoMoreEntries) {
			return records, nil
		}
		if err != nil {
			return 0, err
		}
		if err := a.verifyEntries(tx); err != nil {
			return 0, err
		}
		records += uint64(len(tx.Entries()))
	}
}

func (a archive) verifyEntries(tx *store.Tx) error {
	header := tx.Header()
	digest, err := store.EntrySpecDigestFor(header.Version)
	if err != nil {
		return err
	}
	for _, entry := range tx.Entries() {
		proof, err := tx.Proof(entry.Key())
		if err != nil {
			return err
		}
		value, err := a.store.ReadValue(entry)
		if err != nil {
			return err
		}
		spec := &store.EntrySpec{Key: entry.Key(), Metadata: entry.Metadata(), Value: value}
		if !htree.VerifyInclusion(proof, digest(spec), header.Eh) {
			return fmt.Errorf("%s in transaction %d does not verify", entry.Key(), header.ID)
		}
	}
	return nil
}

func (a archive) Find(id string) (int, error) {
	reference, err := a.store.Get(context.Background(), []byte(id))
	if err != nil {
		return 0, err
	}
	value, err := reference.Resolve()
	return len(value), err
}

func (a archive) Close() error {
	return a.store.Close()
}

func (system) Bytes(folder string) (map[string]uint64, error) {
	all, err := load.SizeOf(filepath.Join(folder, "store"), func(string) bool { return false })
	return map[string]uint64{"store": all}, err
}
