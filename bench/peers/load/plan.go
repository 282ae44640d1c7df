// Package load puts a system written in Go through the plans of the comparison: the same phases, callers and clocks as
// bench/load has for systems in Rust. Plans come in and reports go out as the JSON that both share.
package load

// Plan is one pass of one system over one workload.
type Plan struct {
	Folder        string   `json:"folder"`
	Workload      string   `json:"workload"`
	Batched       int      `json:"batched"`
	Batch         int      `json:"batch"`
	BatchCallers  int      `json:"batch_callers"`
	Singles       int      `json:"singles"`
	SingleCallers int      `json:"single_callers"`
	Rates         []uint32 `json:"rates"`
	Seconds       float64  `json:"seconds"`
	InFlightMax   int      `json:"in_flight_max"`
	Lookups       int      `json:"lookups"`
}

// Percentiles in microseconds.
type Percentiles struct {
	Count  uint64  `json:"count"`
	P50us  float64 `json:"p50_us"`
	P99us  float64 `json:"p99_us"`
	P999us float64 `json:"p999_us"`
	Maxus  float64 `json:"max_us"`
}

// Closed is what came of a closed loop.
type Closed struct {
	Records uint64      `json:"records"`
	Seconds float64     `json:"seconds"`
	Latency Percentiles `json:"latency"`
}

// Open is what came of an open loop.
type Open struct {
	Records    uint64       `json:"records"`
	Seconds    float64      `json:"seconds"`
	Receipt    Percentiles  `json:"receipt"`
	Checkpoint *Percentiles `json:"checkpoint"`
	KeptUp     bool         `json:"kept_up"`
}

// OpenReport is an open loop at one rate.
type OpenReport struct {
	OfferedPerSecond uint32 `json:"offered_per_second"`
	Open             Open   `json:"open"`
}

// Verified is a verification of everything.
type Verified struct {
	Records uint64  `json:"records"`
	Seconds float64 `json:"seconds"`
}

// Find is a number of look-ups by id.
type Find struct {
	Latency Percentiles `json:"latency"`
}

// Report is what came of a plan.
type Report struct {
	Batches       Closed  `json:"batches"`
	SettleSeconds float64 `json:"settle_seconds"`
	// ProcessorSeconds is what batches and settling took of the processors' time.
	ProcessorSeconds float64           `json:"processor_seconds"`
	Singles          *Closed           `json:"singles"`
	Gathered         *Closed           `json:"gathered"`
	Open             []OpenReport      `json:"open"`
	Verified         *Verified         `json:"verified"`
	Find             *Find             `json:"find"`
	Bytes            map[string]uint64 `json:"bytes"`
	Records          uint64            `json:"records"`
	JSONBytes        uint64            `json:"json_bytes"`
}
