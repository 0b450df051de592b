//! Phone numbers as people type them, to the digits of E.164. It knows country codes and how
//! national numbers begin, not which numbers exist: a wrong number stays wrong.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Shorter than any subscriber's full international number.
const MIN_DIGITS: usize = 7;
/// E.164's own limit.
const MAX_DIGITS: usize = 15;
/// No country writes so many digits in a national number, so one that begins with the country's
/// code and has as many is an international number without its plus.
const SURELY_INTERNATIONAL: usize = 12;

/// Country calling codes (ITU-T E.164) by ISO 3166 code.
const CALLING_CODES: &str = "\
AC247 AD376 AE971 AF93 AG1 AI1 AL355 AM374 AO244 AR54 AS1 AT43 AU61 AW297 AX358 AZ994 \
BA387 BB1 BD880 BE32 BF226 BG359 BH973 BI257 BJ229 BL590 BM1 BN673 BO591 BQ599 BR55 BS1 BT975 \
BW267 BY375 BZ501 CA1 CC61 CD243 CF236 CG242 CH41 CI225 CK682 CL56 CM237 CN86 CO57 CR506 CU53 \
CV238 CW599 CX61 CY357 CZ420 DE49 DJ253 DK45 DM1 DO1 DZ213 EC593 EE372 EG20 EH212 ER291 ES34 \
ET251 FI358 FJ679 FK500 FM691 FO298 FR33 GA241 GB44 GD1 GE995 GF594 GG44 GH233 GI350 GL299 GM220 \
GN224 GP590 GQ240 GR30 GT502 GU1 GW245 GY592 HK852 HN504 HR385 HT509 HU36 ID62 IE353 IL972 IM44 \
IN91 IO246 IQ964 IR98 IS354 IT39 JE44 JM1 JO962 JP81 KE254 KG996 KH855 KI686 KM269 KN1 KP850 \
KR82 KW965 KY1 KZ7 LA856 LB961 LC1 LI423 LK94 LR231 LS266 LT370 LU352 LV371 LY218 MA212 MC377 \
MD373 ME382 MF590 MG261 MH692 MK389 ML223 MM95 MN976 MO853 MP1 MQ596 MR222 MS1 MT356 MU230 MV960 \
MW265 MX52 MY60 MZ258 NA264 NC687 NE227 NF672 NG234 NI505 NL31 NO47 NP977 NR674 NU683 NZ64 OM968 \
PA507 PE51 PF689 PG675 PH63 PK92 PL48 PM508 PR1 PS970 PT351 PW680 PY595 QA974 RE262 RO40 RS381 \
RU7 RW250 SA966 SB677 SC248 SD249 SE46 SG65 SH290 SI386 SJ47 SK421 SL232 SM378 SN221 SO252 SR597 \
SS211 ST239 SV503 SX1 SY963 SZ268 TC1 TD235 TG228 TH66 TJ992 TK690 TL670 TM993 TN216 TO676 TR90 \
TT1 TV688 TW886 TZ255 UA380 UG256 US1 UY598 UZ998 VA39 VC1 VE58 VG1 VI1 VN84 VU678 WF681 WS685 \
XK383 YE967 YT262 ZA27 ZM260 ZW263";

static BY_COUNTRY: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let entries = CALLING_CODES.split_ascii_whitespace();
    entries
        .filter_map(|entry| entry.split_at_checked(2))
        .collect()
});

/// Where a national number belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Country {
    calling_code: &'static str,
    trunk: Trunk,
}

/// What is dialled before a national number inside the country, and not from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trunk {
    /// Nothing: a leading zero belongs to the number.
    None,
    /// These digits.
    Prefix(&'static str),
    /// These digits, but only in a number of 11 digits; else they are an area's.
    PrefixOfEleven(&'static str),
}

impl Country {
    /// By its ISO 3166 code of two letters, in either case.
    pub(super) fn from_code(code: &str) -> Option<Self> {
        let code = code.trim().to_ascii_uppercase();
        let calling_code = BY_COUNTRY.get(code.as_str())?;
        let trunk = match (code.as_str(), *calling_code) {
            ("BJ" | "CG" | "CI" | "IT" | "SM" | "VA", _) => Trunk::None,
            ("HU", _) => Trunk::Prefix("06"),
            ("BY", _) => Trunk::PrefixOfEleven("80"),
            (_, "1") => Trunk::PrefixOfEleven("1"),
            (_, "7") => Trunk::PrefixOfEleven("8"),
            // Where there is none, no number begins with a zero either.
            _ => Trunk::Prefix("0"),
        };
        Some(Self {
            calling_code,
            trunk,
        })
    }

    fn international(&self, national: &str) -> String {
        if national.len() >= SURELY_INTERNATIONAL && national.starts_with(self.calling_code) {
            return national.to_owned();
        }
        let subscriber = match self.trunk {
            Trunk::Prefix(prefix) => national.strip_prefix(prefix),
            Trunk::PrefixOfEleven(prefix) if national.len() == 11 => national.strip_prefix(prefix),
            Trunk::None | Trunk::PrefixOfEleven(_) => None,
        };
        format!("{}{}", self.calling_code, subscriber.unwrap_or(national))
    }
}

/// The digits of the international number, country code first. None if it is national and there
/// is no country, or if it can be no phone number.
pub(super) fn digits(text: &str, country: Option<&Country>) -> Option<String> {
    let text = text.trim();
    let plus = text.starts_with(['+', '＋']);
    // The trunk zero in "+49 (0)151": for callers within the country.
    let text = if plus {
        text.replacen("(0)", "", 1)
    } else {
        text.to_owned()
    };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let number = if plus {
        digits
    } else if let Some(international) = digits.strip_prefix("00") {
        international.to_owned()
    } else {
        country?.international(&digits)
    };
    (MIN_DIGITS..=MAX_DIGITS)
        .contains(&number.len())
        .then_some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert_eq!(
            BY_COUNTRY.len(),
            CALLING_CODES.split_ascii_whitespace().count()
        );
        for (country, code) in BY_COUNTRY.iter() {
            assert!(
                country.bytes().all(|byte| byte.is_ascii_uppercase()),
                "{country}"
            );
            assert!((1..=3).contains(&code.len()), "{country}{code}");
            assert!(
                code.bytes().all(|byte| byte.is_ascii_digit()),
                "{country}{code}"
            );
            // No calling code begins another one.
            let clash = BY_COUNTRY
                .values()
                .find(|o| *o != code && o.starts_with(*code));
            assert_eq!(clash, None, "{country}{code}");
        }
    }

    #[test]
    fn numbers_become_international() {
        for (text, country, expected) in [
            ("+49 151 12345678", "", Some("4915112345678")),
            ("+49 (0)151 / 123 456-78", "US", Some("4915112345678")),
            ("0049 151 12345678", "US", Some("4915112345678")),
            ("0151 12345678", "de", Some("4915112345678")),
            ("151 12345678", "DE", Some("4915112345678")),
            ("4915112345678", "DE", Some("4915112345678")),
            ("(030) 901820", "DE", Some("4930901820")),
            ("(555) 555-5555", "US", Some("15555555555")),
            ("1-555-555-5555", "CA", Some("15555555555")),
            ("020 7946 0018", "GB", Some("442079460018")),
            ("06 12 34 56 78", "FR", Some("33612345678")),
            ("06 1234 5678", "IT", Some("390612345678")),
            ("8 (495) 123-45-67", "RU", Some("74951234567")),
            ("843 123-45-67", "RU", Some("78431234567")),
            ("06 1 234 5678", "HU", Some("3612345678")),
            ("612 345 678", "ES", Some("34612345678")),
            ("(55) 99999-9999", "BR", Some("5555999999999")),
            ("+55 55 99999-9999", "BR", Some("5555999999999")),
            ("0151 12345678", "", None),
            ("", "DE", None),
            ("n/a", "DE", None),
            ("0", "DE", None),
            ("+123", "DE", None),
            ("+1234567890123456", "DE", None),
        ] {
            let country = Country::from_code(country);
            assert_eq!(
                digits(text, country.as_ref()).as_deref(),
                expected,
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_international_stays(text in "[+0-9() ./-]{0,24}", country in "[A-Z]{2}") {
            let country = Country::from_code(&country);
            if let Some(number) = digits(&text, country.as_ref()) {
                prop_assert!((MIN_DIGITS..=MAX_DIGITS).contains(&number.len()));
                let again = digits(&format!("+{number}"), country.as_ref());
                prop_assert_eq!(again, Some(number));
            }
        }

        #[test]
        fn nothing_panics(text: String, country: String) {
            let country = Country::from_code(&country);
            let number = digits(&text, country.as_ref());
            prop_assert!(number.is_none_or(|number| number.is_ascii()));
        }
    }
}
