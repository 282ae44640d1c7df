//! Answers to try pages on: a denied loan with everything in it, a decision by a rule, one by a language model, and one of
//! which nothing is known but what was decided.

use std::collections::BTreeMap;

use causebook_why::page::Words;
use causebook_why::*;
use serde_json::json;

pub(crate) fn word(value: &str) -> Scalar {
    Scalar::Text(value.to_owned())
}

fn change(field: &str, from: Scalar, to: Scalar) -> Change {
    Change {
        field: format!("/input/{field}"),
        from,
        to,
    }
}

fn block<T>(basis: Basis, content: T, notes: &[&str]) -> Block<T> {
    Block::Present {
        basis,
        content,
        notes: notes.iter().map(|&note| note.to_owned()).collect(),
    }
}

/// The dictionary of the German credit example.
pub(crate) fn words() -> Words {
    let mut words = Words::of_dictionary(&json!({"config": {"dictionary": {
        "score": {"label": "probability of default"},
        "decisions": {"approve": "Approved", "refer": "Referred to a person", "deny": "Denied"},
        "attributes": {
            "status": {"label": "Checking account", "values": {"A11": "no checking account", "A12": "overdrawn",
                "A14": "200 DM or more, or salary paid in for a year"}},
            "duration": {"label": "Term", "unit": "months"},
            "credit_amount": {"label": "Amount", "unit": "DM"},
            "credit_history": {"label": "Credit history", "values": {"A30": "delay in paying off in the past",
                "A34": "all credits at this bank paid back duly"}},
            "savings": {"label": "Savings", "values": {"A61": "none or unknown"}},
            "employment": {"label": "Employed for", "values": {"A71": "unemployed", "A72": "under 1 year"}},
            "installment_rate": {"label": "Instalment as share of income", "values": {"1": "35 % or more"}},
            "property": {"label": "Most valuable property", "values": {"A121": "unknown or none"}},
            "purpose": {"label": "Purpose", "values": {"A41": "new car", "A43": "furniture or equipment"}},
            "housing": {"label": "Housing", "values": {"A152": "rented"}},
            "age": {"label": "Age", "unit": "years"}}}}}));
    words.contest =
        Some("Write to appeals@bank.example within 60 days, with the number below.".to_owned());
    words
}

fn contributions() -> Vec<Contribution> {
    let recorded = [
        ("status", word("A11"), 0.712),
        ("duration", Scalar::Number(48.0), 0.524),
        ("credit_history", word("A30"), 0.31),
        ("credit_amount", Scalar::Number(7_119.0), 0.205),
        ("savings", word("A61"), 0.187),
        ("employment", word("A72"), 0.122),
        ("purpose", word("A43"), -0.119),
        ("installment_rate", Scalar::Number(3.0), -0.098),
        ("property", word("A121"), 0.075),
        ("housing", word("A152"), 0.052),
        ("job", word("A173"), -0.021),
        ("existing_credits", Scalar::Number(2.0), 0.004),
        ("telephone", Scalar::Missing, -0.002),
    ];
    recorded
        .into_iter()
        .map(|(field, value, contribution)| Contribution {
            field: format!("/input/{field}"),
            value,
            contribution,
            error: None,
        })
        .collect()
}

fn reason(code: &str, told: &str, field: &str, value: Scalar, contribution: f64) -> Reason {
    Reason {
        code: Some(code.to_owned()),
        text: Some(told.to_owned()),
        fields: vec![format!("/input/{field}")],
        values: vec![value],
        contribution: Some(contribution),
    }
}

fn principal() -> Vec<Reason> {
    vec![
        reason(
            "CHK",
            "Status of existing checking account",
            "status",
            word("A11"),
            0.712,
        ),
        reason(
            "TERM",
            "Length of loan term requested",
            "duration",
            Scalar::Number(48.0),
            0.524,
        ),
        reason(
            "HIST",
            "Delinquent past or present credit obligations",
            "credit_history",
            word("A30"),
            0.31,
        ),
        reason(
            "AMT",
            "Amount of credit requested",
            "credit_amount",
            Scalar::Number(7_119.0),
            0.205,
        ),
    ]
}

fn score_stage() -> Stage {
    Stage {
        kind: StageKind::Score,
        name: None,
    }
}

/// A denied loan.
pub(crate) fn credit() -> Why {
    let mut ordered = principal();
    ordered.push(reason(
        "SAV",
        "Insufficient savings",
        "savings",
        word("A61"),
        0.187,
    ));
    ordered.push(reason(
        "EMP",
        "Length of employment",
        "employment",
        word("A72"),
        0.122,
    ));
    let sum: f64 = contributions().iter().map(|it| it.contribution).sum();
    Why {
        format: FORMAT.to_owned(),
        ledger: "german-credit".to_owned(),
        id: "GC-0732".to_owned(),
        index: 71,
        time: "2026-06-19T11:23:04.118Z".to_owned(),
        as_of: 402,
        model: ModelName {
            name: Some("credit-risk".to_owned()),
            version: Some("1.0.0".to_owned()),
            digest: Some("sha256:a2740f34facc266ebb72db2f00397e412034ea2912795005cc05856d86b9ec11".to_owned()),
        },
        outcome: block(
            Basis::Recorded,
            Outcome {
                decision: Some("deny".to_owned()),
                in_force: Some("approve".to_owned()),
                score: Some(0.741_882_145_404_815_7),
                threshold: Some(0.5),
                margin: Some(0.241_882_145_404_815_7),
                adverse: Some(true),
                stage: score_stage(),
            },
            &[],
        ),
        replay: block(
            Basis::Recomputed,
            Replay {
                verdict: Verdict::BitExact,
                max_difference: Some(0.0),
                tolerance: Some(1e-6),
                compared: vec![
                    Compared {
                        pointer: "/score".to_owned(),
                        recorded: json!(0.741_882_145_404_815_7),
                        recomputed: json!(0.741_882_145_404_815_7),
                    },
                    Compared {
                        pointer: "/decision".to_owned(),
                        recorded: json!("deny"),
                        recomputed: json!("deny"),
                    },
                ],
                why: None,
                artefact: Some("sha256:a2740f34facc266ebb72db2f00397e412034ea2912795005cc05856d86b9ec11".to_owned()),
                input: Some("sha256:77f1e0c1e8d1b8a2a0f3f4a2a6f7a1f0d7a8f6ce6ac0a5a9e8a1b0f6d3c2b1a0".to_owned()),
                engine: "causebook 0.1.0".to_owned(),
            },
            &[],
        ),
        reasons: block(
            Basis::Recomputed,
            Reasons {
                principal: principal(),
                ordered,
                unmapped: vec!["/input/housing".to_owned()],
                dictionary: Some("german-credit-reasons 3, sha256:5b1f…".to_owned()),
                stage: score_stage(),
                from: Some("interventional TreeSHAP from applicants at or just above the cut-off".to_owned()),
            },
            &[],
        ),
        attributions: vec![
            block(
                Basis::Recorded,
                Attributions {
                    method: "TreeSHAP, xgboost 3.2.0".to_owned(),
                    scale: Some("log-odds".to_owned()),
                    baseline: Some(Baseline {
                        name: "training data, by node cover".to_owned(),
                        rows: None,
                        digest: None,
                    }),
                    base: Some(-0.861),
                    value: Some(-0.861 + sum),
                    fields: contributions(),
                    residual: Some(0.0),
                    seed: None,
                    against_recorded: None,
                },
                &[],
            ),
            block(
                Basis::Recomputed,
                Attributions {
                    method: "permutation SHAP".to_owned(),
                    scale: Some("log-odds".to_owned()),
                    baseline: Some(Baseline {
                        name: "applicants at or just above the cut-off".to_owned(),
                        rows: Some(100),
                        digest: Some("sha256:0c4d…".to_owned()),
                    }),
                    base: Some(-0.022),
                    value: Some(1.056),
                    fields: contributions()
                        .into_iter()
                        .take(5)
                        .map(|it| Contribution {
                            contribution: it.contribution * 0.55,
                            error: Some(0.012),
                            ..it
                        })
                        .collect(),
                    residual: Some(1.3e-8),
                    seed: Some(7),
                    against_recorded: Some(Difference {
                        max: 0.320_4,
                        field: "/input/status".to_owned(),
                        other_order: false,
                    }),
                },
                &["the baselines differ, so the contributions do too"],
            ),
        ],
        counterfactuals: block(
            Basis::Recomputed,
            Counterfactuals {
                wanted: "approve".to_owned(),
                found: vec![
                    Counterfactual {
                        kind: CounterfactualKind::SmallestFound,
                        changes: vec![change("duration", Scalar::Number(48.0), Scalar::Number(21.0))],
                        score: Some(0.398_1),
                        decision: "approve".to_owned(),
                        distance: 0.021_4,
                        distance_to_history: Some(0.061),
                    },
                    Counterfactual {
                        kind: CounterfactualKind::TowardRecorded,
                        changes: vec![
                            change("duration", Scalar::Number(48.0), Scalar::Number(24.0)),
                            change("credit_amount", Scalar::Number(7_119.0), Scalar::Number(4_020.0)),
                        ],
                        score: Some(0.371_2),
                        decision: "approve".to_owned(),
                        distance: 0.034,
                        distance_to_history: None,
                    },
                ],
                fixed: vec![
                    ("/input/age".to_owned(), "protected".to_owned()),
                    ("/input/credit_history".to_owned(), "does not change".to_owned()),
                ],
                calls: 611,
                singles_exhausted: false,
            },
            &[],
        ),
        contrast: block(
            Basis::InferredFromHistory,
            Contrast {
                opposite: vec![Neighbour {
                    id: Some("GC-0688".to_owned()),
                    decision: "approve".to_owned(),
                    score: Some(0.371_2),
                    distance: 0.043_2,
                    differs: vec![
                        change("status", word("A11"), word("A14")),
                        change("duration", Scalar::Number(48.0), Scalar::Number(36.0)),
                        change("telephone", Scalar::Missing, word("A192")),
                    ],
                    agrees: 17,
                }],
                same: vec![Neighbour {
                    id: Some("GC-0811".to_owned()),
                    decision: "deny".to_owned(),
                    score: Some(0.7),
                    distance: 0.031,
                    differs: vec![change("purpose", word("A43"), word("A41"))],
                    agrees: 19,
                }],
                among_nearest: BTreeMap::from([("approve".to_owned(), 11), ("deny".to_owned(), 39)]),
                compared: 1_199,
                of: "credit-risk 1.0.0".to_owned(),
                nothing_similar: false,
            },
            &[],
        ),
        unusual: block(
            Basis::InferredFromHistory,
            vec![
                Percentile {
                    field: "/input/duration".to_owned(),
                    value: Scalar::Number(48.0),
                    percentile: Some(99.2),
                    share: None,
                    rare: true,
                },
                Percentile {
                    field: "/input/telephone".to_owned(),
                    value: Scalar::Missing,
                    percentile: None,
                    share: Some(0.005),
                    rare: true,
                },
                Percentile {
                    field: "/input/age".to_owned(),
                    value: Scalar::Number(24.0),
                    percentile: Some(13.0),
                    share: None,
                    rare: false,
                },
            ],
            &[],
        ),
        conversation: Block::absent("the model is no language model"),
        provenance: block(
            Basis::Recorded,
            Provenance {
                registered_by: Some("credit-risk@1.0.0".to_owned()),
                warnings: Vec::new(),
                in_force: BTreeMap::from([("thresholds".to_owned(), "policy@4".to_owned())]),
                members: BTreeMap::from([
                    ("actor".to_owned(), json!("service:loan-desk")),
                    ("automation".to_owned(), json!("sole")),
                    (
                        "model".to_owned(),
                        json!({"name": "credit-risk", "version": "1.0.0", "framework": "xgboost 3.2.0"}),
                    ),
                    ("parameters".to_owned(), json!({"thresholds": {"deny": 0.5, "refer": 0.4}})),
                    ("data".to_owned(), json!({"status": "core banking, 2026-06-19", "savings": "stated by the applicant"})),
                    (
                        "recorded".to_owned(),
                        json!({"at": "2026-06-19T11:23:04.130Z", "by": "loans-api", "via": "http"}),
                    ),
                ]),
            },
            &[],
        ),
        acts: block(
            Basis::Recorded,
            vec![
                Act {
                    kind: "notice".to_owned(),
                    id: "GC-0732-notice".to_owned(),
                    time: "2026-06-19T11:24:00Z".to_owned(),
                    said: "The subject was told by letter, with the reasons CHK, TERM, HIST, AMT.".to_owned(),
                    who: None,
                },
                Act {
                    kind: "hold".to_owned(),
                    id: "H-7".to_owned(),
                    time: "2026-06-20T08:00:00Z".to_owned(),
                    said: "A legal hold was put on it: it may not be erased. Reason given: inquiry 7.".to_owned(),
                    who: Some("counsel".to_owned()),
                },
                Act {
                    kind: "review".to_owned(),
                    id: "GC-0732-review".to_owned(),
                    time: "2026-06-24T09:00:00Z".to_owned(),
                    said: "A person (senior underwriter) overrode the decision: deny became approve. Reason given: a guarantor \
                           signed."
                        .to_owned(),
                    who: Some("j.doe".to_owned()),
                },
            ],
            &[],
        ),
        proof: block(
            Basis::Recorded,
            Proof {
                digest: Some("26c13cd83b05d0d9857a48fd97177f4192431b0983b53eae8717d80abf04d62c".to_owned()),
                origin: "causebook.example/german-credit".to_owned(),
                head: Some(400),
                command: "causebook prove GC-0732 > GC-0732.evidence.json".to_owned(),
            },
            &[],
        ),
        withheld: Vec::new(),
    }
}

/// Nothing is known but the decision: the model is not registered and the ledger is young.
pub(crate) fn bare() -> Why {
    Why {
        id: "0190163d-8694-739b-aea5-966c26f8ad91".to_owned(),
        model: ModelName {
            name: None,
            version: Some("v1.2".to_owned()),
            digest: None,
        },
        outcome: block(
            Basis::Recorded,
            Outcome {
                decision: Some("approved".to_owned()),
                in_force: Some("approved".to_owned()),
                score: None,
                threshold: None,
                margin: None,
                adverse: None,
                stage: Stage {
                    kind: StageKind::Unknown,
                    name: None,
                },
            },
            &[],
        ),
        replay: Block::absent(
            "no model with the version v1.2 is registered: register it with `causebook model add`",
        ),
        reasons: Block::absent("no model is registered, and no reasons are recorded"),
        attributions: Vec::new(),
        counterfactuals: Block::absent("no model is registered"),
        contrast: Block::absent("the ledger holds no decision of this model with another outcome"),
        unusual: Block::absent("the ledger holds fewer than 20 decisions of this model"),
        conversation: Block::absent("no messages are recorded"),
        provenance: block(
            Basis::Recorded,
            Provenance {
                warnings: vec!["version v1.2 is not registered".to_owned()],
                ..Provenance::default()
            },
            &[],
        ),
        acts: block(Basis::Recorded, Vec::new(), &[]),
        proof: block(
            Basis::Recorded,
            Proof {
                digest: None,
                origin: "causebook.example/german-credit".to_owned(),
                head: None,
                command: "causebook prove 0190163d-8694-739b-aea5-966c26f8ad91".to_owned(),
            },
            &[],
        ),
        ..credit()
    }
}

/// A rule decided, and no allowed change leads elsewhere.
pub(crate) fn by_rule() -> Why {
    let stage = Stage {
        kind: StageKind::Policy,
        name: Some("bankruptcy-in-5-years".to_owned()),
    };
    let mut why = credit();
    "GC-0900".clone_into(&mut why.id);
    why.outcome = block(
        Basis::Recorded,
        Outcome {
            decision: Some("deny".to_owned()),
            in_force: Some("deny".to_owned()),
            score: Some(0.21),
            threshold: Some(0.4),
            margin: Some(-0.19),
            adverse: Some(true),
            stage: stage.clone(),
        },
        &[],
    );
    why.reasons = block(
        Basis::Recorded,
        Reasons {
            principal: vec![Reason {
                code: Some("BANK".to_owned()),
                text: Some("Bankruptcy".to_owned()),
                fields: Vec::new(),
                values: Vec::new(),
                contribution: None,
            }],
            ordered: Vec::new(),
            unmapped: Vec::new(),
            dictionary: None,
            stage,
            from: None,
        },
        &["the score did not decide, so its contributions are no reasons"],
    );
    why.counterfactuals = block(
        Basis::Recomputed,
        Counterfactuals {
            wanted: "approve".to_owned(),
            found: Vec::new(),
            fixed: Vec::new(),
            calls: 2_048,
            singles_exhausted: true,
        },
        &[],
    );
    why
}

/// A claim decided by a language model with a tool.
pub(crate) fn by_language_model() -> Why {
    let record = json!({
        "id": "CL-17", "decision": "deny",
        "input": {"messages": [
            {"role": "system", "content": "You decide travel claims by the policy.\nAnswer with approve or deny."},
            {"role": "user", "content": "My luggage came two hours late. <b>Pay</b> 300 €."}]},
        "context": {"retrieved_chunks": [
            {"id": "policy-12#3", "score": 0.83, "text": "Delays under four hours are not compensated."},
            {"id": "policy-12#4", "score": 0.71, "text": "Loss is compensated up to 1,000 €."}],
            "guardrails": [{"name": "personal data", "passed": true}]},
        "parameters": {"prompt_version": "claims@14", "temperature": 0, "seed": 7},
        "output": {"model": "gpt-4o-2024-08-06", "choices": [{"finish_reason": "stop", "message": {"role": "assistant",
            "reasoning_content": "Two hours is less than four, so the clause applies.",
            "content": "deny", "tool_calls": [{"id": "c1", "type": "function", "function":
                {"name": "flight_status", "arguments": "{\"flight\":\"LX 318\"}"}}]},
            "logprobs": {"content": [{"token": "deny", "logprob": -0.05, "top_logprobs": [
                {"token": "deny", "logprob": -0.05}, {"token": "approve", "logprob": -3.1}]}]}}],
            "judge": {"groundedness": {"score": 0.94, "reason": "cites the clause", "model": "judge-2"}},
            "usage": {"prompt_tokens": 311, "completion_tokens": 1}}});
    let mut why = bare();
    "CL-17".clone_into(&mut why.id);
    "claims".clone_into(&mut why.ledger);
    why.model = ModelName {
        name: Some("claims-agent".to_owned()),
        version: Some("14".to_owned()),
        digest: None,
    };
    why.outcome = block(
        Basis::Recorded,
        Outcome {
            decision: Some("deny".to_owned()),
            in_force: None,
            score: None,
            threshold: None,
            margin: None,
            adverse: Some(true),
            stage: Stage {
                kind: StageKind::Unknown,
                name: None,
            },
        },
        &[],
    );
    why.replay = Block::absent(
        "a language model need not say the same again: run it again to see how often it agrees",
    );
    why.conversation = recorded::conversation(&record);
    why
}

pub(crate) fn all() -> Vec<(&'static str, Why)> {
    vec![
        ("credit", credit()),
        ("rule", by_rule()),
        ("language-model", by_language_model()),
        ("bare", bare()),
    ]
}
