//! Rows of the table: changed, dropped, added, moved.

use causebook_ledger::{ColumnFault, Depth, Fault, Finding, Row, VerifyReport, VerifyRequest};
use causebook_record::{OpeningKey, Stored};

use crate::{approve, changed, first, ledger_of_50, only};

#[test]
fn a_changed_payload_is_named() {
    let media = ledger_of_50();
    approve(&media, 17);
    let report = media.verify();
    assert_eq!(only(&report), (Fault::ChangedPayload, Some(17)));
    assert_eq!(report.findings[0].id.as_deref(), Some("d17"));
}

#[test]
fn two_changed_neighbours_are_both_named() {
    let media = ledger_of_50();
    approve(&media, 17);
    approve(&media, 18);
    let report = media.verify();
    assert_eq!(report.findings_total, 2, "{:#?}", report.findings);
    assert_eq!(first(&report), (Fault::ChangedPayload, Some(17)));
}

#[test]
fn a_changed_last_row_of_the_table_is_named() {
    let media = ledger_of_50();
    approve(&media, 39);
    assert_eq!(only(&media.verify()), (Fault::ChangedPayload, Some(39)));
}

#[test]
fn a_changed_opening_key_is_a_changed_payload() {
    let media = ledger_of_50();
    media.table.tamper(|rows| {
        if let Stored::Whole { key, .. } = &mut rows[3].record {
            *key = OpeningKey([1; 16]);
        }
    });
    assert_eq!(only(&media.verify()), (Fault::ChangedPayload, Some(3)));
}

#[test]
fn a_changed_column_is_named_with_both_values() {
    let media = ledger_of_50();
    let fault = ColumnFault {
        column: "subject",
        stored: Some("someone else".into()),
        sealed: Some("applicant-1".into()),
    };
    media.table.tamper_column(8, fault);
    let report = media.verify();
    assert_eq!(only(&report), (Fault::ChangedColumn, Some(8)));
    assert!(
        report.findings[0].what.contains("subject")
            && report.findings[0].what.contains("someone else")
    );
}

#[test]
fn a_dropped_record_is_named_whether_or_not_the_rest_is_renumbered() {
    let media = ledger_of_50();
    media.table.tamper(|rows| {
        rows.remove(12);
    });
    assert_eq!(only(&media.verify()), (Fault::Dropped, Some(12)));

    let media = ledger_of_50();
    media.table.tamper(|rows| {
        rows.remove(12);
        renumber(rows);
    });
    let report = media.verify();
    assert_eq!(found(&report, Fault::Dropped).index, Some(12));
}

#[test]
fn an_added_record_is_named_whether_or_not_the_rest_is_renumbered() {
    for renumbered in [false, true] {
        let media = ledger_of_50();
        media.table.tamper(|rows| {
            let mut forged = changed(&rows[20], "\"id\":\"d20\"", "\"id\":\"forged\"");
            forged.index = 20;
            rows.insert(20, forged);
            if renumbered {
                renumber(rows);
            }
        });
        let report = media.verify();
        let added = found(&report, Fault::Added);
        assert_eq!(
            (added.index, added.id.as_deref()),
            (Some(20), Some("forged")),
            "{:#?}",
            report.findings
        );
    }
}

#[test]
fn a_record_stored_twice_is_named() {
    let media = ledger_of_50();
    media.table.tamper(|rows| rows.insert(31, rows[30].clone()));
    assert_eq!(only(&media.verify()).0, Fault::Added);
}

#[test]
fn a_record_beyond_the_end_of_the_table_is_named() {
    let media = ledger_of_50();
    media.table.tamper(|rows| {
        let mut forged = changed(&rows[39], "\"id\":\"d39\"", "\"id\":\"forged\"");
        forged.index = 1000;
        rows.push(forged);
    });
    let report = media.verify();
    assert!(
        report
            .findings
            .iter()
            .any(|finding| finding.id.as_deref() == Some("forged")),
        "{:#?}",
        report.findings
    );
}

#[test]
fn reordered_records_are_named() {
    for renumbered in [false, true] {
        let media = ledger_of_50();
        media.table.tamper(|rows| {
            rows.swap(5, 9);
            if renumbered {
                renumber(rows);
            }
        });
        let report = media.verify();
        assert!(
            report
                .findings
                .iter()
                .any(|finding| finding.fault == Fault::Reordered
                    && (5..=9).contains(&finding.index.unwrap())),
            "{:#?}",
            report.findings
        );
    }
}

#[test]
fn records_cut_off_the_end_of_the_table_are_named() {
    let media = ledger_of_50();
    media.table.tamper(|rows| rows.truncate(35));
    let report = media.verify();
    assert_eq!(first(&report).1, Some(35), "{:#?}", report.findings);
}

#[test]
fn one_record_can_be_verified_alone() {
    let media = ledger_of_50();
    approve(&media, 17);
    let reader = media.reader();
    let one = |index| {
        let request = VerifyRequest {
            depth: Depth::One(index),
            remembered: None,
            threads: 1,
        };
        reader.verify(&request, &mut |_, _| {}).unwrap()
    };
    assert!(one(16).is_intact());
    assert_eq!(only(&one(17)), (Fault::ChangedPayload, Some(17)));
    assert!(one(45).is_intact());
    let request = VerifyRequest {
        depth: Depth::Since(18),
        remembered: None,
        threads: 2,
    };
    let report = reader.verify(&request, &mut |_, _| {}).unwrap();
    assert!(report.is_intact());
    assert_eq!(report.records_checked, 32);
}

fn found(report: &VerifyReport, fault: Fault) -> &Finding {
    let mut findings = report.findings.iter();
    findings.find(|finding| finding.fault == fault).unwrap()
}

fn renumber(rows: &mut [Row]) {
    rows.iter_mut()
        .zip(0..)
        .for_each(|(row, index)| row.index = index);
}
