package main

import (
	"context"
	"log"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Most records of one transaction, unless a single request has more.
const gatheredMax = 1000

// gatherer has one writer that commits whoever waits in one transaction: fewer commits, and a head that moves only when
// they are done, so that a record that is refused leaves no gap.
type gatherer struct {
	pool *pgxpool.Pool
	jobs chan *job
	head head
}

// job is a request that waits for its commit.
type job struct {
	records []record
	rows    []row
	answer  chan error
}

func newGatherer(pool *pgxpool.Pool, head head) *gatherer {
	gatherer := &gatherer{pool, make(chan *job, gatheredMax), head}
	go gatherer.run()
	return gatherer
}

func (gatherer *gatherer) append(_ context.Context, records []record) ([]row, error) {
	own := &job{records: records, answer: make(chan error, 1)}
	gatherer.jobs <- own
	err := <-own.answer
	return own.rows, err
}

// close ends the writer, which gives its connection back.
func (gatherer *gatherer) close() { close(gatherer.jobs) }

func (gatherer *gatherer) run() {
	connection, err := gatherer.pool.Acquire(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Release()
	for first := range gatherer.jobs {
		jobs := gatherer.waiting(first)
		if gatherer.commit(connection, jobs) == nil {
			continue
		}
		// One of them is refused, and so are all in its transaction: each for itself.
		for _, one := range jobs {
			if err := gatherer.commit(connection, []*job{one}); err != nil {
				one.answer <- err
			}
		}
	}
}

// waiting gives a job and those that wait behind it.
func (gatherer *gatherer) waiting(first *job) []*job {
	jobs, records := []*job{first}, len(first.records)
	for records < gatheredMax {
		select {
		case next, open := <-gatherer.jobs:
			if !open {
				return jobs
			}
			jobs, records = append(jobs, next), records+len(next.records)
		default:
			return jobs
		}
	}
	return jobs
}

// commit commits jobs in one transaction and answers them; if it is refused nothing has happened and nobody is answered.
func (gatherer *gatherer) commit(connection *pgxpool.Conn, jobs []*job) error {
	var all []row
	after := gatherer.head
	for _, one := range jobs {
		one.rows, after = after.place(one.records)
		all = append(all, one.rows...)
	}
	if err := insert(context.Background(), connection, all); err != nil {
		if !isRefused(err) {
			// What is in the table is not known: only a new start finds out.
			log.Fatal(err)
		}
		return err
	}
	gatherer.head = after
	for _, one := range jobs {
		one.answer <- nil
	}
	return nil
}
