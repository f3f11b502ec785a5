//! §7.4: which status codes may travel, and what each is used for.
use crate::support::*;
use sansocket::{CloseCode, CloseFrame, Violation};

fn refused(codes: impl IntoIterator<Item = u16>) {
    for code in codes {
        assert_eq!(CloseCode::new(code), None, "so it cannot be sent");
        assert!(CloseCode::try_from(code).is_err());
        for role in BOTH {
            End::new(role).frame(CLOSE, body(code, "")).fails(1002, Violation::CloseCode(code));
        }
    }
}
fn accepted(codes: impl IntoIterator<Item = u16>) {
    for code in codes {
        let frame = CloseFrame::from(CloseCode::new(code).unwrap());
        for role in BOTH {
            let mut end = End::new(role);
            end.frame(CLOSE, body(code, "")).tells(Told::CloseReceived(Some(frame.clone()))).quiet();
            end.writes(CLOSE, body(code, ""));
            let closed = end.eof().ends();
            assert_eq!((closed.code(), closed.was_clean()), (code, true));
        }
    }
}

/// Rule of RFC 6455 §7.4.1: local codes refused.
#[test]
fn codes_for_local_use_never_travel() {
    refused([1005, 1006, 1015]);
}

/// Rule of RFC 6455 §7.4.2: unassigned codes refused.
#[test]
fn codes_without_a_meaning_are_refused() {
    refused([1004]);
    refused(1016..=2999);
}

/// Rule of RFC 6455 §7.4.1: assigned codes accepted.
#[test]
fn codes_with_a_meaning_are_accepted() {
    accepted(1000..=1003);
    accepted(1007..=1014);
}

/// Rule of RFC 6455 §7.4.2: ranges of codes.
#[test]
fn codes_below_1000_and_from_5000_are_refused() {
    refused(0..=999);
    refused((5000..=5100).chain([0x7FFF, 0x8000, 0xFFFF]));
    for code in 5000..=u16::MAX {
        assert_eq!(CloseCode::new(code), None);
    }
}

/// Rule of RFC 6455 §7.4.2: ranges of codes.
#[test]
fn codes_of_libraries_and_of_applications_are_accepted() {
    accepted(3000..=4999);
}

/// Rule of RFC 6455 §7.4.1: codes as defined.
#[test]
fn the_library_uses_each_code_as_it_is_defined() {
    let code = |violation: Violation| violation.close_code();
    assert_eq!(code(Violation::Utf8), CloseCode::INVALID_PAYLOAD);
    assert_eq!(code(Violation::MessageTooBig { limit: 0 }), CloseCode::MESSAGE_TOO_BIG);
    assert_eq!(code(Violation::TooManyFragments { limit: 0 }), CloseCode::POLICY_VIOLATION);
    assert_eq!(code(Violation::TooManyEmptyFragments { limit: 0 }), CloseCode::POLICY_VIOLATION);
    assert_eq!(code(Violation::OverBudget { budget: 0 }), CloseCode::TRY_AGAIN_LATER);
    for violation in [
        Violation::ReservedOpcode(3),
        Violation::ReservedBits,
        Violation::OverlongLength,
        Violation::LengthOverflow,
        Violation::Unmasked,
        Violation::Masked,
        Violation::FragmentedControl,
        Violation::LongControl,
        Violation::UnexpectedContinuation,
        Violation::ExpectedContinuation,
        Violation::ShortClose,
        Violation::CloseCode(0),
    ] {
        assert_eq!(code(violation), CloseCode::PROTOCOL_ERROR, "{violation:?}");
    }
}

/// Rule of RFC 6455 §7.4.1: codes as defined.
#[test]
fn applications_have_a_name_for_each_code() {
    let named = [
        (CloseCode::NORMAL, 1000),
        (CloseCode::GOING_AWAY, 1001),
        (CloseCode::PROTOCOL_ERROR, 1002),
        (CloseCode::UNSUPPORTED_DATA, 1003),
        (CloseCode::INVALID_PAYLOAD, 1007),
        (CloseCode::POLICY_VIOLATION, 1008),
        (CloseCode::MESSAGE_TOO_BIG, 1009),
        (CloseCode::MANDATORY_EXTENSION, 1010),
        (CloseCode::INTERNAL_ERROR, 1011),
        (CloseCode::SERVICE_RESTART, 1012),
        (CloseCode::TRY_AGAIN_LATER, 1013),
        (CloseCode::BAD_GATEWAY, 1014),
    ];
    for (code, number) in named {
        for role in BOTH {
            let mut end = End::new(role);
            end.conn.close(CloseFrame::truncate(code, "because"));
            end.writes(CLOSE, body(number, "because"));
        }
    }
}
