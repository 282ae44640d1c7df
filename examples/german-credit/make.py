#!/usr/bin/env python3
"""Makes records.ndjson, the demo's ledger entries, from 200 decisions of a credit model, and registration.json, how that
model is used.

    python3 make.py DATA_DIR

DATA_DIR holds `credit-model/decisions.jsonl` and `credit-model/model_card.json` (see SOURCE.md). Scores,
margins and contributions are the model's, digit for digit. Times, trace ids and the name of the calling service are made
up here, always the same, because the data set has none.
"""

import hashlib
import json
import sys
from datetime import datetime, timedelta
from pathlib import Path

DICTIONARY = "german-credit-dictionary@1"
MODEL = "credit-risk@1.0.0"


def main(data: Path) -> None:
    card = json.loads((data / "credit-model/model_card.json").read_text())
    lines = (data / "credit-model/decisions.jsonl").read_text().splitlines()
    decisions = [json.loads(line) for line in lines]
    registration = registration_of(card)
    here = Path(__file__).parent
    (here / "registration.json").write_text(json.dumps(registration, ensure_ascii=False, indent=2) + "\n")
    artefact = (here / "model.json").read_bytes()
    if hashlib.sha256(artefact).hexdigest() != card["sha256"]["model.json"]:
        sys.exit("model.json is not the model of these decisions")
    records = [dictionary_record(card), model_record(card, registration, len(artefact))]
    for number, decision in enumerate(decisions):
        records.append(decision_record(decision, card, decided_at(number)))
    for number, decision in enumerate(decisions):
        records.append(outcome_record(decision, number))
    target = Path(__file__).with_name("records.ndjson")
    with target.open("w", encoding="utf-8") as out:
        for record in records:
            out.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(f"{target.name}: {len(records)} records, {target.stat().st_size:,} bytes")


def dictionary_record(card: dict) -> dict:
    return {
        "id": DICTIONARY,
        "kind": "config",
        "time": "2026-05-29T14:00:00Z",
        "config": {
            "dictionary": {
                "name": "german-credit-dictionary",
                "version": "1",
                "language": "en",
                "score": {"label": "probability of default", "adverse": "above"},
                "decisions": {"approve": "Approved", "refer": "Referred to a person", "deny": "Denied"},
                "attributes": ATTRIBUTES,
                "reasons": card["reasons"],
            }
        },
    }


def model_record(card: dict, registration: dict, size: int) -> dict:
    """As `causebook model add model.json --registration registration.json` records it."""
    model = model_of(card)
    return {
        "id": MODEL,
        "kind": "model",
        "time": "2026-05-29T14:05:00Z",
        "model": {**model, "registration": {"format": "xgboost-json", **registration}},
        "attachments": [
            {"name": "artefact", "media_type": "application/json", "size": size, "digest": model["digest"]}
        ],
        "parameters": {"thresholds": card["thresholds"]},
        "data": {
            "training": {
                "name": "UCI Statlog (German Credit Data)",
                "version": "doi:10.24432/C5NC77",
                "rows": card["n_train"],
            },
            "test": {"rows": card["n_test"], "auc": card["auc_xgb"]},
        },
        "context": {
            "task": card["task"],
            "attributes_used": card["numeric"] + list(card["categorical"]),
            "recorded_but_not_used": card["excluded_protected"],
        },
    }


def registration_of(card: dict) -> dict:
    thresholds = card["thresholds"]
    features = [{"field": f"/input/{name}", "encoding": "plain", "input": name} for name in card["numeric"]]
    for name, values in card["categorical"].items():
        inputs = {value: f"{name}={value}" for value in values}
        features.append({"field": f"/input/{name}", "encoding": "one-hot", "inputs": inputs})
    return {
        "features": features,
        "output": {"outputs": {"/output/probability_bad": {}, "/output/margin": {"margin": True}}},
        "policy": {
            "bands": [
                {"below": thresholds["refer"], "decision": "approve"},
                {"below": thresholds["deny"], "decision": "refer"},
                {"decision": "deny"},
            ],
            "adverse": ["deny"],
        },
        "protected": [f"/input/{name}" for name in card["excluded_protected"]],
        "constraints": CONSTRAINTS,
        "reasons": {"version": "german-credit-reasons@1", "entries": REASONS},
        "labels": {f"/input/{name}": attribute["label"] for name, attribute in ATTRIBUTES.items()},
    }


def decision_record(decision: dict, card: dict, when: str) -> dict:
    application = decision["application_id"]
    return {
        "id": application,
        "kind": "decision",
        "time": when,
        "model": model_of(card),
        "input": decision["raw"],
        "output": {"probability_bad": decision["probability_bad"], "margin": decision["margin"]},
        "decision": decision["decision"],
        "score": decision["probability_bad"],
        "parameters": {"thresholds": card["thresholds"]},
        "explanation": {
            "method": "TreeSHAP",
            "method_version": card["library"],
            "exact": True,
            "scale": "log-odds",
            "baseline": "training data, by node cover",
            "base_value": decision["base_value"],
            "attributions": decision["attribute_contributions"],
            "reasons": decision["principal_reasons"],
            "dictionary": DICTIONARY,
        },
        "subject": "applicant-" + application.removeprefix("GC-"),
        "actor": "service:loan-desk",
        "automation": "assisted" if decision["decision"] == "refer" else "sole",
        "context": {
            "environment": "demo",
            "purpose": "consumer credit",
            "trace_id": hashlib.md5(application.encode()).hexdigest(),
        },
    }


def outcome_record(decision: dict, number: int) -> dict:
    application = decision["application_id"]
    observed = decision["observed_class"]
    return {
        "id": f"{application}-outcome",
        "kind": "outcome",
        "time": f"2026-11-02T06:{number // 60:02}:{number % 60:02}Z",
        "refers_to": application,
        "outcome": {
            "observed_class": observed,
            "label": {1: "good", 2: "bad"}[observed],
            "meaning": {1: "repaid as agreed", 2: "did not repay as agreed"}[observed],
        },
        "subject": "applicant-" + application.removeprefix("GC-"),
    }


def model_of(card: dict) -> dict:
    return {
        "name": "credit-risk",
        "version": "1.0.0",
        "digest": "sha256:" + card["sha256"]["model.json"],
        "framework": card["library"],
    }


def decided_at(number: int) -> str:
    """Twenty decisions each working day from 1 June 2026, between nine and five."""
    day, slot = divmod(number, 20)
    week, weekday = divmod(day, 5)
    millis = int(hashlib.md5(str(number).encode()).hexdigest()[:6], 16)
    start = datetime(2026, 6, 1, 9) + timedelta(weeks=week, days=weekday)
    moment = start + timedelta(minutes=24 * slot, milliseconds=millis % (20 * 60 * 1000))
    return moment.isoformat(timespec="milliseconds") + "Z"


# What an applicant could change, at least by waiting or by asking for something else. The past, and what somebody is, stays.
CONSTRAINTS = {
    "/input/credit_history": {"immutable": True},
    "/input/existing_credits": {"immutable": True},
    "/input/people_liable": {"immutable": True},
    "/input/job": {"immutable": True},
    "/input/duration": {"min": 4, "max": 72, "step": 1},
    "/input/credit_amount": {"direction": "decrease", "step": 50},
    "/input/residence_since": {"direction": "increase"},
    "/input/purpose": {"immutable": True},
}


def entry(code: str, text: str, field: str, *values: str, side: str = "") -> dict:
    made = {"code": code, "text": text, "field": f"/input/{field}"}
    if values:
        made["values"] = list(values)
    if side:
        made["side"] = side
    return made


# The first that fits a field and its value is told. Each says what is true of that value.
REASONS = [
    entry("CHK-NONE", "No checking account with us", "status", "A11"),
    entry("CHK-LOW", "Low or overdrawn balance of checking account", "status", "A12", "A13"),
    entry("TERM", "Length of loan term requested", "duration", side="high"),
    entry("TERM-SHORT", "Loan term requested is short for the amount", "duration", side="low"),
    entry("HIST", "Delinquent past or present credit obligations", "credit_history", "A30", "A31"),
    entry("HIST-THIN", "Limited credit experience", "credit_history", "A32"),
    entry("PURP", "Purpose of loan", "purpose"),
    entry("AMT", "Amount of credit requested", "credit_amount"),
    entry("SAV", "Savings are low, or not known to us", "savings", "A61", "A62", "A63"),
    entry("EMP", "Length of employment", "employment"),
    entry("DTI", "Excessive obligations in relation to income", "installment_rate"),
    entry("GUAR", "No guarantor or co-applicant", "other_debtors", "A101"),
    entry("RES", "Length of residence", "residence_since"),
    entry("COLL", "Value or type of collateral not sufficient", "property"),
    entry("OBL", "Other instalment plans outstanding", "other_installment_plans", "A141", "A142"),
    entry("HOUS", "Housing is rented, or free of charge", "housing", "A151", "A152"),
    entry("NCR", "Number of existing credits", "existing_credits"),
    entry("JOB", "Type of employment", "job"),
    entry("DEP", "Number of dependants", "people_liable"),
    entry("TEL", "Unable to reach the applicant by telephone", "telephone", "A191"),
]

# Labels after U. Groemping, "South German Credit Data: Correcting a Widely Used Data Set" (2019): the labels that came
# with the data set in 1994 were attached to the wrong codes for several attributes. The codes themselves are untouched.
ATTRIBUTES = {
    "status": {
        "label": "Checking account",
        "values": {
            "A11": "no checking account",
            "A12": "overdrawn",
            "A13": "0 to 200 DM",
            "A14": "200 DM or more, or salary paid in for a year",
        },
    },
    "duration": {"label": "Term", "unit": "months"},
    "credit_history": {
        "label": "Credit history",
        "values": {
            "A30": "delay in paying off in the past",
            "A31": "critical account, or credits elsewhere",
            "A32": "no credits taken, or all paid back duly",
            "A33": "existing credits paid back duly till now",
            "A34": "all credits at this bank paid back duly",
        },
    },
    "purpose": {
        "label": "Purpose",
        "values": {
            "A40": "other",
            "A41": "new car",
            "A42": "used car",
            "A43": "furniture or equipment",
            "A44": "radio or television",
            "A45": "domestic appliances",
            "A46": "repairs",
            "A47": "education",
            "A48": "holiday",
            "A49": "retraining",
            "A410": "business",
        },
    },
    "credit_amount": {"label": "Amount", "unit": "DM"},
    "savings": {
        "label": "Savings",
        "values": {
            "A61": "none or unknown",
            "A62": "under 100 DM",
            "A63": "100 to 500 DM",
            "A64": "500 to 1000 DM",
            "A65": "1000 DM or more",
        },
    },
    "employment": {
        "label": "Employed for",
        "values": {
            "A71": "unemployed",
            "A72": "under 1 year",
            "A73": "1 to 4 years",
            "A74": "4 to 7 years",
            "A75": "7 years or more",
        },
    },
    "installment_rate": {
        "label": "Instalment as share of income",
        "values": {"1": "35 % or more", "2": "25 to 35 %", "3": "20 to 25 %", "4": "under 20 %"},
    },
    "personal_status_sex": {
        "label": "Sex and marital status",
        "values": {
            "A91": "man, divorced or separated",
            "A92": "woman not single, or man single",
            "A93": "man, married or widowed",
            "A94": "woman, single",
        },
    },
    "other_debtors": {
        "label": "Others liable",
        "values": {"A101": "none", "A102": "co-applicant", "A103": "guarantor"},
    },
    "residence_since": {
        "label": "At present address for",
        "values": {"1": "under 1 year", "2": "1 to 4 years", "3": "4 to 7 years", "4": "7 years or more"},
    },
    "property": {
        "label": "Most valuable property",
        "values": {
            "A121": "unknown or none",
            "A122": "car or other",
            "A123": "savings agreement or life insurance",
            "A124": "real estate",
        },
    },
    "age": {"label": "Age", "unit": "years"},
    "other_installment_plans": {
        "label": "Other instalment plans",
        "values": {"A141": "with a bank", "A142": "with a store", "A143": "none"},
    },
    "housing": {
        "label": "Housing",
        "values": {"A151": "free of charge", "A152": "rented", "A153": "owned"},
    },
    "existing_credits": {
        "label": "Credits at this bank",
        "values": {"1": "1", "2": "2 or 3", "3": "4 or 5", "4": "6 or more"},
    },
    "job": {
        "label": "Job",
        "values": {
            "A171": "unemployed, or unskilled and not resident",
            "A172": "unskilled and resident",
            "A173": "skilled employee or official",
            "A174": "manager, self-employed or highly qualified",
        },
    },
    "people_liable": {"label": "Dependants", "values": {"1": "0 to 2", "2": "3 or more"}},
    "telephone": {"label": "Telephone", "values": {"A191": "none", "A192": "in own name"}},
    "foreign_worker": {"label": "Foreign worker", "values": {"A201": "no", "A202": "yes"}},
}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
