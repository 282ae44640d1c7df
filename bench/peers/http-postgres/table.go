package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Above so many rows COPY is worth its extra round trip; below, one INSERT from arrays is one round trip.
const copyFrom = 256

const (
	lastRow   = "SELECT seq + 1, hash FROM decisions ORDER BY seq DESC LIMIT 1"
	insertOne = "INSERT INTO decisions (seq, id, body, prev, hash) VALUES ($1, $2, $3, $4, $5)"
	insertAll = "INSERT INTO decisions (seq, id, body, prev, hash) " +
		"SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bytea[], $5::bytea[])"
	uniqueViolation = "23505"
)

var columns = []string{"seq", "id", "body", "prev", "hash"}

// record as it was given.
type record struct {
	id   string
	body string
}

// row is a record with its place in the chain.
type row struct {
	seq        int64
	record     record
	prev, hash []byte
}

// head of the chain: where the next record goes, and the hash before it.
type head struct {
	next int64
	hash []byte
}

// appender makes records durable in their order. Their places are fixed when it returns.
type appender interface {
	append(ctx context.Context, records []record) ([]row, error)
	// close is called when nobody appends any more.
	close()
}

func readHead(ctx context.Context, pool *pgxpool.Pool) (head, error) {
	last := head{hash: make([]byte, sha256.Size)}
	err := pool.QueryRow(ctx, lastRow).Scan(&last.next, &last.hash)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return last, err
}

// place gives records their places behind a head, and the head behind them.
func (from head) place(records []record) ([]row, head) {
	rows := make([]row, 0, len(records))
	for _, record := range records {
		hash := chained(from.hash, record)
		rows = append(rows, row{from.next, record, from.hash, hash})
		from = head{from.next + 1, hash}
	}
	return rows, from
}

// chained is the hash over the hash before, the id and the JSON; the length first, so that no two records hash the same bytes.
func chained(before []byte, record record) []byte {
	text := make([]byte, 0, len(before)+8+len(record.id)+len(record.body))
	text = append(text, before...)
	text = binary.BigEndian.AppendUint64(text, uint64(len(record.id)))
	text = append(text, record.id...)
	text = append(text, record.body...)
	hash := sha256.Sum256(text)
	return hash[:]
}

// insert commits rows in one transaction.
func insert(ctx context.Context, connection *pgxpool.Conn, rows []row) error {
	if len(rows) == 1 {
		one := rows[0]
		_, err := connection.Exec(ctx, insertOne, one.seq, one.record.id, one.record.body, one.prev, one.hash)
		return err
	}
	if len(rows) >= copyFrom {
		// A COPY on its own is one transaction.
		_, err := connection.CopyFrom(ctx, pgx.Identifier{"decisions"}, columns, pgx.CopyFromSlice(len(rows),
			func(number int) ([]any, error) {
				one := rows[number]
				return []any{one.seq, one.record.id, one.record.body, one.prev, one.hash}, nil
			}))
		return err
	}
	count := len(rows)
	seqs, ids, bodies := make([]int64, count), make([]string, count), make([]string, count)
	prevs, hashes := make([][]byte, count), make([][]byte, count)
	for number, one := range rows {
		seqs[number], ids[number], bodies[number] = one.seq, one.record.id, one.record.body
		prevs[number], hashes[number] = one.prev, one.hash
	}
	_, err := connection.Exec(ctx, insertAll, seqs, ids, bodies, prevs, hashes)
	return err
}

// isRefused says whether PostgreSQL has answered that it did not commit; after any other error nobody knows.
func isRefused(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused)
}

func isRepeated(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == uniqueViolation
}
