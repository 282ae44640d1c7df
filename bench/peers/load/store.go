package load

// Entry is a record as it is given.
type Entry struct {
	ID   string
	JSON []byte
}

// Store is a system open for writing. What returns is durable, with its place fixed. Both systems that there are share
// syncs among callers by themselves.
type Store interface {
	// AppendBatch appends records in order.
	AppendBatch(entries []Entry) error
	// AppendOne appends a record and gives its position.
	AppendOne(entry Entry) (uint64, error)
	// Settle brings everything to where it rests: indexes and all.
	Settle() error
	Close() error
}

// Signer is a Store that publishes signed checkpoints.
type Signer interface {
	// WaitCheckpoint waits until a checkpoint covers the first size records, and gives how many it covers.
	WaitCheckpoint(size uint64) (uint64, error)
}

// Archive is a system open for reading.
type Archive interface {
	// Verify checks everything and gives how many records that was.
	Verify() (uint64, error)
	Close() error
}

// Finder is an Archive that finds by id.
type Finder interface {
	// Find gives the length of the record with an id.
	Find(id string) (int, error)
}

// System is a system that is measured.
type System interface {
	Open(folder string) (Store, error)
	Read(folder string) (Archive, error)
	// Bytes at rest, by part.
	Bytes(folder string) (map[string]uint64, error)
}
