package load

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// Main reads the plan that the arguments name, runs it and prints the report.
func Main(name string, system System) {
	if err := run(system, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

func run(system System, arguments []string) error {
	if len(arguments) != 2 || arguments[0] != "plan" {
		return errors.New("expected: plan FILE")
	}
	text, err := os.ReadFile(arguments[1])
	if err != nil {
		return err
	}
	var plan Plan
	if err := json.Unmarshal(text, &plan); err != nil {
		return err
	}
	entries, err := readWorkload(plan.Workload)
	if err != nil {
		return err
	}
	report, err := measure(system, plan, entries)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(report)
}

// readWorkload reads a sequence of records: length of the id, id, length of the JSON, JSON.
func readWorkload(path string) ([]Entry, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	input := bufio.NewReaderSize(file, 1<<20)
	var entries []Entry
	for {
		id, err := readPart(input)
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, err
		}
		text, err := readPart(input)
		if err != nil {
			return nil, fmt.Errorf("the workload ends within a record: %w", err)
		}
		entries = append(entries, Entry{string(id), text})
	}
}

func readPart(input io.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(input, length[:]); err != nil {
		return nil, err
	}
	part := make([]byte, binary.LittleEndian.Uint32(length[:]))
	_, err := io.ReadFull(input, part)
	return part, err
}
