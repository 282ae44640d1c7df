package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"unicode/utf8"
)

const (
	bodyBytesMax = 64 << 20
	lineBytesMax = 1 << 20
	// Lines that are committed in one transaction.
	chunk = 1000
)

// receipt of a record, as Causebook's: whoever reads both has the same to read.
type receipt struct {
	Line     int    `json:"line,omitempty"`
	ID       string `json:"id"`
	Index    int64  `json:"index"`
	Digest   string `json:"digest"`
	Repeated bool   `json:"repeated"`
}

var errNoID = errors.New("a record is a JSON object with an id")

func handler(records appender) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /records", func(answer http.ResponseWriter, request *http.Request) {
		body := http.MaxBytesReader(answer, request.Body, bodyBytesMax)
		var err error
		switch request.Header.Get("content-type") {
		case "application/json":
			err = appendOne(answer, request, records, body)
		case "application/x-ndjson":
			err = appendLines(answer, request, records, body)
		default:
			http.Error(answer, "expected application/json or application/x-ndjson", http.StatusUnsupportedMediaType)
		}
		if err != nil {
			http.Error(answer, err.Error(), status(err))
		}
	})
	return mux
}

func appendOne(answer http.ResponseWriter, request *http.Request, records appender, body io.Reader) error {
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	parsed, err := parse(text)
	if err != nil {
		return err
	}
	rows, err := records.append(request.Context(), []record{parsed})
	if err != nil {
		return err
	}
	return write(answer, http.StatusCreated, "application/json", []receipt{receiptOf(rows[0])})
}

// appendLines commits chunk after chunk and answers a line for each record when all are committed.
func appendLines(answer http.ResponseWriter, request *http.Request, records appender, body io.Reader) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 0, 64<<10), lineBytesMax)
	var receipts []receipt
	waiting := make([]record, 0, chunk)
	commit := func() error {
		if len(waiting) == 0 {
			return nil
		}
		rows, err := records.append(request.Context(), waiting)
		if err != nil {
			return err
		}
		for _, row := range rows {
			line := receiptOf(row)
			line.Line = len(receipts) + 1
			receipts = append(receipts, line)
		}
		waiting = waiting[:0]
		return nil
	}
	for lines.Scan() {
		parsed, err := parse(lines.Bytes())
		if err != nil {
			return fmt.Errorf("line %d: %w", len(receipts)+len(waiting)+1, err)
		}
		waiting = append(waiting, parsed)
		if len(waiting) == chunk {
			if err := commit(); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if err := commit(); err != nil {
		return err
	}
	return write(answer, http.StatusOK, "application/x-ndjson", receipts)
}

// parse checks that a text is JSON, and finds the id.
func parse(text []byte) (record, error) {
	var named struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(text, &named); err != nil {
		return record{}, errors.Join(errNoID, err)
	}
	if named.ID == "" || !utf8.Valid(text) {
		return record{}, errNoID
	}
	return record{named.ID, string(text)}, nil
}

func receiptOf(row row) receipt {
	return receipt{ID: row.record.id, Index: row.seq, Digest: hex.EncodeToString(row.hash)}
}

func write(answer http.ResponseWriter, status int, kind string, receipts []receipt) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	for _, receipt := range receipts {
		if err := encoder.Encode(receipt); err != nil {
			return err
		}
	}
	answer.Header().Set("content-type", kind)
	answer.Header().Set("content-length", fmt.Sprint(text.Len()))
	answer.WriteHeader(status)
	// A caller that has gone away gets nothing; its records are committed all the same.
	_, _ = answer.Write(text.Bytes())
	return nil
}

func status(err error) int {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge), errors.Is(err, bufio.ErrTooLong):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, errNoID):
		return http.StatusBadRequest
	case isRepeated(err):
		return http.StatusConflict
	case errors.Is(err, errBroken):
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}
