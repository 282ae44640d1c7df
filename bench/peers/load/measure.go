package load

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// lookupSeed makes look-ups the same in every run.
const lookupSeed = 9

// blockBytes is what st_blocks counts, whatever the file system's block size.
const blockBytes = 512

// measure runs a plan.
func measure(system System, plan Plan, all []Entry) (*Report, error) {
	store, err := system.Open(plan.Folder)
	if err != nil {
		return nil, err
	}
	rest := all
	take := func(count int) []Entry {
		taken := rest[:count]
		rest = rest[count:]
		return taken
	}
	report := &Report{Open: []OpenReport{}}
	batches := slices.Collect(slices.Chunk(take(plan.Batched), plan.Batch))
	before, err := processorSeconds()
	if err != nil {
		return nil, err
	}
	report.Batches, err = closedLoop(plan.BatchCallers, len(batches), plan.Batched, func(number int) error {
		return store.AppendBatch(batches[number])
	})
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := store.Settle(); err != nil {
		return nil, err
	}
	report.SettleSeconds = time.Since(begin).Seconds()
	after, err := processorSeconds()
	if err != nil {
		return nil, err
	}
	report.ProcessorSeconds = after - before
	if plan.Singles > 0 {
		singles := take(plan.Singles)
		closed, err := closedLoop(plan.SingleCallers, len(singles), len(singles), func(number int) error {
			_, err := store.AppendOne(singles[number])
			return err
		})
		if err != nil {
			return nil, err
		}
		report.Singles = &closed
	}
	for _, rate := range plan.Rates {
		open, err := arrive(store, take(int(float64(rate)*plan.Seconds)), rate, plan.InFlightMax)
		if err != nil {
			return nil, err
		}
		report.Open = append(report.Open, OpenReport{rate, open})
	}
	if err := store.Settle(); err != nil {
		return nil, err
	}
	if err := store.Close(); err != nil {
		return nil, err
	}
	sent := all[:len(all)-len(rest)]
	report.Records = uint64(len(sent))
	for _, entry := range sent {
		report.JSONBytes += uint64(len(entry.JSON))
	}
	if err := examine(system, plan, sent, report); err != nil {
		return nil, err
	}
	report.Bytes, err = system.Bytes(plan.Folder)
	return report, err
}

// processorSeconds is the processor time that this process has taken.
func processorSeconds() (float64, error) {
	var usage syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9, err
}

type receipt struct {
	place uint64
	given time.Time
}

// arrive runs an open loop and, where the system signs, watches how long its checkpoints take.
func arrive(store Store, entries []Entry, rate uint32, callers int) (Open, error) {
	signer, signs := store.(Signer)
	receipts := make(chan receipt, len(entries))
	watched := make(chan error, 1)
	var toCheckpoint []time.Duration
	if signs {
		go func() {
			var err error
			toCheckpoint, err = watchCheckpoints(signer, receipts)
			watched <- err
		}()
	}
	open, err := openLoop(callers, rate, len(entries), func(number int) error {
		place, err := store.AppendOne(entries[number])
		if signs && err == nil {
			receipts <- receipt{place, time.Now()}
		}
		return err
	})
	close(receipts)
	if signs {
		if watchErr := <-watched; watchErr != nil && err == nil {
			err = watchErr
		}
		told := percentiles(toCheckpoint)
		open.Checkpoint = &told
	}
	return open, err
}

// watchCheckpoints measures from receipt to checkpoint.
func watchCheckpoints(signer Signer, receipts <-chan receipt) ([]time.Duration, error) {
	var latencies []time.Duration
	var waiting []receipt
	for {
		if len(waiting) == 0 {
			next, more := <-receipts
			if !more {
				return latencies, nil
			}
			waiting = append(waiting, next)
		}
		first := waiting[0].place
		for _, one := range waiting {
			first = min(first, one.place)
		}
		covered, err := signer.WaitCheckpoint(first + 1)
		if err != nil {
			return nil, err
		}
		now := time.Now()
		for len(receipts) > 0 {
			waiting = append(waiting, <-receipts)
		}
		waiting = slices.DeleteFunc(waiting, func(one receipt) bool {
			if one.place < covered {
				latencies = append(latencies, max(now.Sub(one.given), 0))
			}
			return one.place < covered
		})
	}
}

// examine verifies everything and finds some of it again.
func examine(system System, plan Plan, sent []Entry, report *Report) error {
	archive, err := system.Read(plan.Folder)
	if err != nil {
		return err
	}
	begin := time.Now()
	records, err := archive.Verify()
	if err != nil {
		return err
	}
	report.Verified = &Verified{records, time.Since(begin).Seconds()}
	if records != uint64(len(sent)) {
		return fmt.Errorf("%d records were acknowledged, %d are stored", len(sent), records)
	}
	if finder, finds := archive.(Finder); finds {
		if report.Find, err = find(finder, plan.Lookups, sent); err != nil {
			return err
		}
	}
	return archive.Close()
}

// find looks up records at random, warm: as many look-ups before the ones that count.
func find(finder Finder, lookups int, sent []Entry) (*Find, error) {
	random := rand.New(rand.NewPCG(lookupSeed, lookupSeed))
	var latencies []time.Duration
	for number := range 2 * lookups {
		entry := sent[random.IntN(len(sent))]
		begin := time.Now()
		length, err := finder.Find(entry.ID)
		latency := time.Since(begin)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.ID, err)
		}
		if length != len(entry.JSON) {
			return nil, fmt.Errorf("%s was found with %d bytes instead of %d", entry.ID, length, len(entry.JSON))
		}
		if number >= lookups {
			latencies = append(latencies, latency)
		}
	}
	return &Find{percentiles(latencies)}, nil
}

// SizeOf gives the bytes that a folder takes on disk: allocated blocks. Folders that skip names are left out.
func SizeOf(folder string, skip func(path string) bool) (uint64, error) {
	var bytes uint64
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && skip(path) {
			return filepath.SkipDir
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && !entry.IsDir() {
			bytes += uint64(stat.Blocks) * blockBytes
		}
		return nil
	})
	return bytes, err
}
