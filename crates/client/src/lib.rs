//! Talks to a Causebook server, without believing it.
//!
//! [`Client`] is a server, [`RemoteLedger`] a ledger of it: records go in by [`RemoteLedger::append`] and
//! [`RemoteLedger::append_batch`], come out by [`RemoteLedger::get`], [`RemoteLedger::list`] and [`RemoteLedger::tail`], and
//! [`RemoteLedger::head`] holds the signed head against what its user saw before. Everything read is bounded, every failure says
//! whether anything may have been done, and nothing that may not be done twice is done twice.
//!
//! Blocking, without an async runtime: a thread that waits for a receipt is a thread.
//!
//! ```no_run
//! use causebook_client::{Client, Credentials, ListRequest};
//!
//! let url = url::Url::parse("https://causebook.example.com")?;
//! let ledger = Client::connect(&url, &Credentials::token("cbk_...")?)?.ledger("main");
//! let receipt = ledger.append(br#"{"id": "D-1", "model": "m@1", "input": {"age": 30}, "decision": "deny"}"#)?;
//! for page in ledger.pages(ListRequest { q: "decision:deny".to_owned(), ..ListRequest::default() }) {
//!     for item in page?.records {
//!         println!("{}", item.to_json());
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod answers;
mod batch;
mod client;
mod credentials;
mod deliver;
mod error;
mod events;
mod faults;
mod head;
mod item;
mod ledger;
mod lines;
mod log;
mod retry;
mod tail;
mod transport;
mod why;
mod write;

pub use address::is_loopback;
pub use answers::{
    Blob, CheckpointInfo, Erased, Facet, FacetValue, Facets, Histogram, LedgerInfo, Me, NewToken,
    Pulse, Receipt, Series, TokenInfo,
};
pub use batch::{Batch, LineResult};
pub use client::{Client, Options};
pub use credentials::Credentials;
pub use deliver::RemoteDestination;
pub use error::{ClientError, Problem, ProblemPlace};
pub use events::{Event, EventError, EventParser};
pub use head::{Head, HeadError, HeadFault, KnownHead};
pub use item::Item;
pub use ledger::{History, ListRequest, Page, Pages, Records, RemoteLedger, SqlFormat};
pub use log::Consistency;
pub use tail::{Skipped, Tail, TailEvent};
pub use url::Url;
