//! Arithmetic between series: `(A + B) / C * 100`.
//!
//! Letters are series, in their order. `+ - * / % **` and parentheses mean what they mean in Python, as
//! in PostHog, and a division by zero is 0.

use super::wrong::{Wrong, wrong};

/// A formula that can be computed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Formula(Expression);

#[derive(Clone, Debug, PartialEq)]
enum Expression {
    Number(f64),
    Series(usize),
    Negated(Box<Expression>),
    Joined(Box<Expression>, Operator, Box<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Plus,
    Minus,
    Times,
    Over,
    Modulo,
    Power,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token {
    Number(f64),
    Series(usize),
    Operator(Operator),
    Open,
    Close,
}

/// Parentheses within each other, and signs before each other, that may be.
const DEEPEST: usize = 64;

impl Formula {
    /// Reads a formula over so many series.
    pub(crate) fn parse(text: &str, series: usize, field: &str) -> Result<Self, Wrong> {
        let failed = |message: String| wrong(field, message);
        let tokens = tokens(text).map_err(failed)?;
        let unknown = tokens.iter().find_map(|token| match token {
            Token::Series(index) if *index >= series => Some(*index),
            _ => None,
        });
        if let Some(index) = unknown {
            let letter = char::from(b'A' + u8::try_from(index).unwrap_or(25));
            return Err(failed(format!("there is no series {letter}, only {series}")));
        }
        let mut reader = Reader { tokens: &tokens, depth: 0 };
        let expression = reader.sum().map_err(failed)?;
        match reader.tokens {
            [] => Ok(Self(expression)),
            _ => Err(failed("something follows that belongs to nothing".to_owned())),
        }
    }

    /// Its value, given those of the series.
    pub(crate) fn value(&self, series: &[f64]) -> f64 {
        let value = self.0.value(series);
        match value.is_finite() {
            true => value,
            false => 0.0,
        }
    }
}

impl Expression {
    fn value(&self, series: &[f64]) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::Series(index) => series.get(*index).copied().unwrap_or(0.0),
            Self::Negated(inner) => -inner.value(series),
            Self::Joined(left, operator, right) => {
                operator.apply(left.value(series), right.value(series))
            }
        }
    }
}

impl Operator {
    fn apply(self, left: f64, right: f64) -> f64 {
        match self {
            Self::Plus => left + right,
            Self::Minus => left - right,
            Self::Times => left * right,
            Self::Over | Self::Modulo if right == 0.0 => 0.0,
            Self::Over => left / right,
            // The remainder has the divisor's sign.
            Self::Modulo => left - right * (left / right).floor(),
            Self::Power => left.powf(right),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '+' => (Token::Operator(Operator::Plus), 1),
            '-' => (Token::Operator(Operator::Minus), 1),
            '*' if rest.starts_with("**") => (Token::Operator(Operator::Power), 2),
            '*' => (Token::Operator(Operator::Times), 1),
            '/' => (Token::Operator(Operator::Over), 1),
            '%' => (Token::Operator(Operator::Modulo), 1),
            '0'..='9' | '.' => {
                let length = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
                let digits = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
                let number = digits.parse().map_err(|_| format!("{digits} is no number"))?;
                (Token::Number(number), digits.len())
            }
            letter if letter.is_ascii_alphabetic() => {
                let index = letter.to_ascii_uppercase() as usize - 'A' as usize;
                (Token::Series(index), 1)
            }
            other => return Err(format!("{other} has no meaning here")),
        };
        let is_word = matches!(token, Token::Series(_))
            && rest.chars().nth(1).is_some_and(|next| next.is_ascii_alphanumeric());
        if is_word {
            return Err("series are single letters, and there are no functions".to_owned());
        }
        tokens.push(token);
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok(tokens)
}

struct Reader<'a> {
    tokens: &'a [Token],
    depth: usize,
}

impl Reader<'_> {
    fn next_if(&mut self, wanted: impl Fn(Operator) -> bool) -> Option<Operator> {
        let (Token::Operator(operator), rest) = self.tokens.split_first()? else { return None };
        wanted(*operator).then(|| {
            self.tokens = rest;
            *operator
        })
    }

    fn sum(&mut self) -> Result<Expression, String> {
        let mut left = self.product()?;
        while let Some(operator) =
            self.next_if(|next| matches!(next, Operator::Plus | Operator::Minus))
        {
            left = Expression::Joined(Box::new(left), operator, Box::new(self.product()?));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Expression, String> {
        let mut left = self.signed()?;
        while let Some(operator) =
            self.next_if(|next| matches!(next, Operator::Times | Operator::Over | Operator::Modulo))
        {
            left = Expression::Joined(Box::new(left), operator, Box::new(self.signed()?));
        }
        Ok(left)
    }

    /// `-A ** 2` is `-(A ** 2)`, and `A ** -2` is what it looks like.
    fn signed(&mut self) -> Result<Expression, String> {
        match self.next_if(|next| matches!(next, Operator::Plus | Operator::Minus)) {
            Some(Operator::Minus) => Ok(Expression::Negated(Box::new(self.deeper(Self::signed)?))),
            Some(_) => self.deeper(Self::signed),
            None => self.power(),
        }
    }

    fn power(&mut self) -> Result<Expression, String> {
        let base = self.atom()?;
        match self.next_if(|next| next == Operator::Power) {
            None => Ok(base),
            Some(operator) => {
                let exponent = self.deeper(Self::signed)?;
                Ok(Expression::Joined(Box::new(base), operator, Box::new(exponent)))
            }
        }
    }

    fn atom(&mut self) -> Result<Expression, String> {
        let Some((token, rest)) = self.tokens.split_first() else {
            return Err("it ends where something is missing".to_owned());
        };
        self.tokens = rest;
        match token {
            Token::Number(number) => Ok(Expression::Number(*number)),
            Token::Series(index) => Ok(Expression::Series(*index)),
            Token::Open => {
                let inner = self.deeper(Self::sum)?;
                match self.tokens.split_first() {
                    Some((Token::Close, rest)) => {
                        self.tokens = rest;
                        Ok(inner)
                    }
                    _ => Err("a parenthesis is not closed".to_owned()),
                }
            }
            _ => Err("an operator stands where a series or a number is missing".to_owned()),
        }
    }

    fn deeper(
        &mut self,
        read: impl Fn(&mut Self) -> Result<Expression, String>,
    ) -> Result<Expression, String> {
        self.depth += 1;
        let read = match self.depth > DEEPEST {
            true => Err(format!("it is more than {DEEPEST} deep")),
            false => read(self),
        };
        self.depth -= 1;
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, series: &[f64]) -> f64 {
        Formula::parse(text, series.len(), "formula").unwrap().value(series)
    }

    #[test]
    fn arithmetic_is_that_of_python() {
        assert_eq!(value("A + B * 2", &[1.0, 3.0]), 7.0);
        assert_eq!(value("(a+b)/2", &[1.0, 3.0]), 2.0);
        assert_eq!(value("A - B - A", &[1.0, 3.0]), -3.0);
        assert_eq!(value("-A ** 2", &[3.0]), -9.0);
        assert_eq!(value("2 ** 3 ** 2", &[]), 512.0);
        assert_eq!(value("2 ** -1", &[]), 0.5);
        assert_eq!(value("A % 3", &[-7.0]), 2.0);
        assert_eq!(value("1.5 * A", &[2.0]), 3.0);
    }

    #[test]
    fn a_division_by_zero_is_zero() {
        assert_eq!(value("A / B", &[1.0, 0.0]), 0.0);
        assert_eq!(value("A % B", &[1.0, 0.0]), 0.0);
        assert_eq!(value("(-1) ** 0.5", &[]), 0.0);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let failed = |text: &str| Formula::parse(text, 2, "formula").unwrap_err().to_string();
        assert_eq!(failed("A + C"), "formula: there is no series C, only 2");
        for text in ["", "A +", "A B", "(A", "A)", "A $ B", "max(A)", "1.2.3", "* A"] {
            failed(text);
        }
        assert!(failed(&"(".repeat(100_000)).contains("deep"));
        assert!(failed(&"-".repeat(100_000)).contains("deep"));
    }
}
