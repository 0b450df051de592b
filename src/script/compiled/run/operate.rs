//! Operators of the usual kinds of values, as Rhai has them built in. All others are Rhai's to know.

use std::cmp::Ordering;

use rhai::Dynamic;

use crate::script::compiled::code::Operator;

/// Nothing if they are of other kinds, or if it goes wrong.
pub(super) fn usual(operator: Operator, left: &Dynamic, right: &Dynamic) -> Option<Dynamic> {
    if left.is_int() && right.is_int() {
        return whole(operator, left.as_int().ok()?, right.as_int().ok()?);
    }
    if is_number(left) && is_number(right) {
        return broken(operator, float(left)?, float(right)?);
    }
    if left.is_string() && right.is_string() {
        let (left, right) = (
            left.as_immutable_string_ref().ok()?,
            right.as_immutable_string_ref().ok()?,
        );
        return match operator {
            Operator::Add => Some((&*left + &*right).into()),
            operator => compared(operator, left.as_str().cmp(right.as_str())),
        };
    }
    if left.is_bool() && right.is_bool() {
        return compared(operator, left.as_bool().ok()?.cmp(&right.as_bool().ok()?));
    }
    match operator {
        // Nothing is like nothing only.
        Operator::Equal | Operator::NotEqual if left.is_unit() || right.is_unit() => {
            let is_equal = left.is_unit() && right.is_unit();
            Some((is_equal == (operator == Operator::Equal)).into())
        }
        _ => None,
    }
}

fn whole(operator: Operator, left: i64, right: i64) -> Option<Dynamic> {
    let number = match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide => left.checked_div(right),
        Operator::Modulo => left.checked_rem(right),
        operator => return compared(operator, left.cmp(&right)),
    };
    number.map(Dynamic::from)
}

fn is_number(value: &Dynamic) -> bool {
    value.is_int() || value.is_float()
}

/// A number as Rhai takes it where the other one is broken.
#[allow(clippy::cast_precision_loss)] // as Rhai does
fn float(value: &Dynamic) -> Option<f64> {
    match value.as_float() {
        Ok(number) => Some(number),
        Err(_) => value.as_int().ok().map(|number| number as f64),
    }
}

fn broken(operator: Operator, left: f64, right: f64) -> Option<Dynamic> {
    let number = match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        Operator::Modulo => left % right,
        operator => return Some(nearly(operator, left, right).into()),
    };
    Some(number.into())
}

/// Rhai takes broken numbers for equal that differ by less than their last digit.
fn nearly(operator: Operator, left: f64, right: f64) -> bool {
    let larger = match left * right == 0.0 {
        true => 1.0,
        false => left.abs().max(right.abs()),
    };
    let difference = (left - right) / larger;
    match operator {
        Operator::Equal => difference.abs() <= f64::EPSILON,
        Operator::NotEqual => difference.abs() > f64::EPSILON,
        Operator::Greater => difference > f64::EPSILON,
        Operator::GreaterOrEqual => difference > -f64::EPSILON,
        Operator::Less => -difference > f64::EPSILON,
        _ => -difference > -f64::EPSILON,
    }
}

fn compared(operator: Operator, order: Ordering) -> Option<Dynamic> {
    let holds = match operator {
        Operator::Equal => order.is_eq(),
        Operator::NotEqual => order.is_ne(),
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        Operator::GreaterOrEqual => order.is_ge(),
        _ => return None,
    };
    Some(holds.into())
}
