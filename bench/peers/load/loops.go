package load

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// lead is the time for all callers to be ready before the first arrival is due.
const lead = 300 * time.Millisecond

// tenth of the arrivals: the last says whether the system kept up. There the latency is to be below a tenth of the loop's
// length.
const tenth = 10

func percentiles(latencies []time.Duration) Percentiles {
	if len(latencies) == 0 {
		return Percentiles{}
	}
	slices.Sort(latencies)
	at := func(quantile float64) float64 {
		place := min(int(quantile*float64(len(latencies))), len(latencies)-1)
		return float64(latencies[place]) / 1e3
	}
	return Percentiles{uint64(len(latencies)), at(0.5), at(0.99), at(0.999), at(1)}
}

// callers runs so many callers, each until its numbers end, and gathers what they return.
func callers(count int, calls int, call func(number int) (time.Duration, error)) ([]time.Duration, error) {
	var next atomic.Int64
	var group sync.WaitGroup
	var lock sync.Mutex
	var all []time.Duration
	var failed error
	for range count {
		group.Go(func() {
			var own []time.Duration
			for number := int(next.Add(1) - 1); number < calls; number = int(next.Add(1) - 1) {
				latency, err := call(number)
				if err != nil {
					// A call that failed stops the others too.
					next.Store(int64(calls))
					lock.Lock()
					failed = err
					lock.Unlock()
					return
				}
				own = append(own, latency)
			}
			lock.Lock()
			all = append(all, own...)
			lock.Unlock()
		})
	}
	group.Wait()
	return all, failed
}

// closedLoop: each caller waits for its answer before it asks again.
func closedLoop(count, calls, records int, call func(number int) error) (Closed, error) {
	begin := time.Now()
	latencies, err := callers(count, calls, func(number int) (time.Duration, error) {
		start := time.Now()
		err := call(number)
		return time.Since(start), err
	})
	seconds := time.Since(begin).Seconds()
	return Closed{uint64(records), seconds, percentiles(latencies)}, err
}

// openLoop: arrivals keep to a schedule, and a latency begins when the arrival was due (no coordinated omission).
func openLoop(count int, rate uint32, arrivals int, call func(number int) error) (Open, error) {
	part := max(arrivals/tenth, 1)
	var lateMicros atomic.Int64
	firstDue := time.Now().Add(lead)
	latencies, err := callers(min(count, arrivals), arrivals, func(number int) (time.Duration, error) {
		due := firstDue.Add(time.Duration(float64(number) / float64(rate) * float64(time.Second)))
		time.Sleep(time.Until(due))
		err := call(number)
		latency := time.Since(due)
		if number >= arrivals-part {
			lateMicros.Add(latency.Microseconds())
		}
		return latency, err
	})
	behind := float64(lateMicros.Load()) / float64(part) / 1e6
	return Open{
		Records: uint64(arrivals),
		Seconds: time.Since(firstDue).Seconds(),
		Receipt: percentiles(latencies),
		KeptUp:  behind < float64(arrivals)/float64(rate)/tenth,
	}, err
}
