// Command http-postgres is the audit service that somebody would write by hand: records in over HTTP, into a table of
// PostgreSQL with a chain of hashes, answered after the commit.
//
// It has what Causebook is asked for in the same load, and no more: a place for every record, an id only once, and an
// answer that is durable. No access control, no proofs. Two ways to commit single records are offered, because which is
// better depends on the disk and on who calls: see chain.go and gather.go.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	headerWait = 10 * time.Second
	stopWait   = 30 * time.Second
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address and port to answer at")
	database := flag.String("database", "", "connection string of PostgreSQL")
	connections := flag.Int("connections", 64, "connections to PostgreSQL")
	gather := flag.Bool("gather", false, "commit whoever waits in one transaction, by one writer")
	flag.Parse()
	if err := serve(*listen, *database, int32(*connections), *gather); err != nil {
		log.Fatal(err)
	}
}

func serve(listen, database string, connections int32, gather bool) error {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	config, err := pgxpool.ParseConfig(database)
	if err != nil {
		return err
	}
	config.MaxConns, config.MinConns = connections, connections
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	head, err := readHead(ctx, pool)
	if err != nil {
		return err
	}
	var records appender = newChain(pool, head)
	if gather {
		records = newGatherer(pool, head)
	}
	defer records.close()
	server := &http.Server{Addr: listen, Handler: handler(records), ReadHeaderTimeout: headerWait}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	// What is under way is answered first.
	ending, giveUp := context.WithTimeout(context.Background(), stopWait)
	defer giveUp()
	return server.Shutdown(ending)
}
