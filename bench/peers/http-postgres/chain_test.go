package main

import (
	"bytes"
	"errors"
	"testing"
)

func placed(t *testing.T, chain *chain, id string) ([]row, *turn) {
	t.Helper()
	rows, own, err := chain.place([]record{{id, "{}"}})
	if err != nil {
		t.Fatal(err)
	}
	return rows, own
}

func TestNobodyIsAnsweredBeforeWhoIsPlacedBefore(t *testing.T) {
	chain := newChain(nil, head{hash: make([]byte, 32)})
	firstRows, first := placed(t, chain, "a")
	secondRows, second := placed(t, chain, "b")
	if secondRows[0].seq != 1 || !bytes.Equal(secondRows[0].prev, firstRows[0].hash) {
		t.Fatal("the second record does not stand behind the first")
	}
	chain.note(second, nil)
	if len(second.answer) != 0 {
		t.Fatal("the second was answered before the first was committed")
	}
	chain.note(first, nil)
	if err := errors.Join(<-first.answer, <-second.answer); err != nil {
		t.Fatal(err)
	}
}

func TestAfterAGapNothingIsTaken(t *testing.T) {
	chain := newChain(nil, head{hash: make([]byte, 32)})
	_, first := placed(t, chain, "a")
	_, second := placed(t, chain, "b")
	chain.note(first, errors.New("refused"))
	chain.note(second, nil)
	if first, second := <-first.answer, <-second.answer; first != errBroken || second != errBroken {
		t.Fatalf("answered with %v and %v", first, second)
	}
	if _, _, err := chain.place([]record{{"c", "{}"}}); err != errBroken {
		t.Fatalf("placed with %v", err)
	}
}

func TestARecordIsJSONWithAnID(t *testing.T) {
	if parsed, err := parse([]byte(`{"id":"a","n":1e400}`)); err != nil || parsed.body != `{"id":"a","n":1e400}` {
		t.Fatalf("%v, %v", parsed, err)
	}
	for _, bad := range []string{"", "{}", `{"id":""}`, `{"id":1}`, `{"id":"a"`, "{\"id\":\"\xff\"}", `["a"]`} {
		if _, err := parse([]byte(bad)); !errors.Is(err, errNoID) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
