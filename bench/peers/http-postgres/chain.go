package main

import (
	"context"
	"errors"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"
)

var errBroken = errors.New("a record before this one could not be committed: start again")

// chain commits every request on a connection of its own, so that commits at the same time share syncs as PostgreSQL is
// built to. The head is kept here; a caller is answered when everything before its record is committed too, because only
// then is its place fixed.
//
// A record that cannot be committed, such as one whose id is there already, leaves a gap that others stand behind
// already: nothing more is taken then, until the service starts again from what is stored.
type chain struct {
	pool   *pgxpool.Pool
	lock   sync.Mutex
	head   head
	queue  []*turn
	broken bool
}

// turn of a request to be answered: after all that were placed before it.
type turn struct {
	committed bool
	answer    chan error
}

func newChain(pool *pgxpool.Pool, head head) *chain {
	return &chain{pool: pool, head: head}
}

func (chain *chain) append(ctx context.Context, records []record) ([]row, error) {
	// A connection first, so that records are placed in about the order in which they are committed.
	connection, err := chain.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	rows, own, err := chain.place(records)
	if err != nil {
		connection.Release()
		return nil, err
	}
	// A caller that goes away must not leave a gap.
	err = insert(context.WithoutCancel(ctx), connection, rows)
	connection.Release()
	chain.note(own, err)
	if waited := <-own.answer; err == nil {
		err = waited
	}
	return rows, err
}

func (chain *chain) close() {}

func (chain *chain) place(records []record) ([]row, *turn, error) {
	chain.lock.Lock()
	defer chain.lock.Unlock()
	if chain.broken {
		return nil, nil, errBroken
	}
	var rows []row
	rows, chain.head = chain.head.place(records)
	own := &turn{answer: make(chan error, 1)}
	chain.queue = append(chain.queue, own)
	return rows, own, nil
}

// note takes up that a request is committed, or is not, and answers all whose turn it is.
func (chain *chain) note(own *turn, err error) {
	chain.lock.Lock()
	defer chain.lock.Unlock()
	own.committed = err == nil
	for len(chain.queue) > 0 && chain.queue[0].committed {
		chain.queue[0].answer <- nil
		chain.queue = chain.queue[1:]
	}
	if err != nil || chain.broken {
		chain.broken = true
		for _, behind := range chain.queue {
			behind.answer <- errBroken
		}
		chain.queue = nil
	}
}
