//! A colour as the stylesheet thinks of it: hue and chroma of OKLCH, read from the `#rrggbb` that people write.

/// The part of a colour that an operator may choose: the stylesheet fixes lightness, so that contrast holds for each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accent {
    /// Degrees, from 0 to 360.
    pub hue: f64,
    /// From 0 (grey) to [`Accent::MOST_CHROMA`].
    pub chroma: f64,
}

impl Accent {
    /// The strongest chroma with which every text keeps its contrast.
    pub const MOST_CHROMA: f64 = 0.19;

    /// From `#rrggbb`; none: it is no colour.
    #[expect(
        clippy::many_single_char_names,
        reason = "the names that the matrices of OKLab have where they are published"
    )]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        let channel = |at: usize| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let [r, g, b] = [channel(0)?, channel(2)?, channel(4)?].map(|value| linear(f64::from(value) / 255.0));
        let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
        let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
        let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
        let a = 1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s;
        let b = 0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s;
        let hue = b.atan2(a).to_degrees().rem_euclid(360.0);
        Some(Self { hue, chroma: a.hypot(b).min(Self::MOST_CHROMA) })
    }
}

/// Of a colour in OKLCH, cut to what a screen can show, the luminance that WCAG 2.2 compares.
#[expect(clippy::many_single_char_names, reason = "the names that the matrices of OKLab have where they are published")]
pub fn luminance(lightness: f64, chroma: f64, hue: f64) -> f64 {
    let (a, b) = (chroma * hue.to_radians().cos(), chroma * hue.to_radians().sin());
    let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    let red = 4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s;
    let green = -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s;
    let blue = -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s;
    0.2126 * red.clamp(0.0, 1.0) + 0.7152 * green.clamp(0.0, 1.0) + 0.0722 * blue.clamp(0.0, 1.0)
}

/// How two luminances stand out from each other, from 1 to 21 (WCAG 2.2, "contrast ratio").
pub fn contrast(one: f64, other: f64) -> f64 {
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn linear(channel: f64) -> f64 {
    if channel <= 0.040_45 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_as_browsers_read_them() {
        let blue = Accent::parse("#3b55e6").unwrap();
        assert!((blue.hue - 270.0).abs() < 3.0 && (blue.chroma - 0.19).abs() < 0.001, "{blue:?}");
        let green = Accent::parse("#086634").unwrap();
        assert!((green.hue - 153.0).abs() < 3.0 && (green.chroma - 0.11).abs() < 0.02, "{green:?}");
        assert!(Accent::parse("#808080").unwrap().chroma < 0.001);
        for wrong in ["", "#fff", "red", "#12345g", "3b55e6", "#3b55e6ff", "#é1234"] {
            assert_eq!(Accent::parse(wrong), None, "{wrong}");
        }
        assert!((contrast(luminance(1.0, 0.0, 0.0), luminance(0.0, 0.0, 0.0)) - 21.0).abs() < 0.01);
    }

    /// Lightness and chroma of a token in light and dark, as the stylesheet has it; `chroma` stands for the operator's.
    fn token(css: &str, name: &str, theme: usize, chroma: f64) -> (f64, f64, Option<f64>) {
        let line = css.lines().find_map(|line| line.trim().strip_prefix(&format!("--{name}:"))).unwrap();
        let colours: Vec<&str> = line.split("oklch(").skip(1).collect();
        let colour = colours.get(theme).or(colours.first()).unwrap().split([')', '/']).next().unwrap();
        let numbers = colour.replace("var(--brand-chroma", &chroma.to_string());
        let mut parts = numbers.split_whitespace();
        let lightness = parts.next().unwrap().parse().unwrap();
        // The chroma of the operator closes its bracket early: what follows it is the hue of the brand.
        (lightness, parts.next().unwrap().parse().unwrap(), parts.next().and_then(|hue| hue.parse().ok()))
    }

    #[test]
    fn every_accent_keeps_every_text_readable() {
        let css = include_str!("../../static/portal.css");
        let pairs = [
            (4.5, "text", &["bg", "surface", "raised", "sunken", "hover", "brand-soft"][..]),
            (4.5, "soft", &["bg", "surface", "raised", "sunken", "hover"]),
            (4.5, "muted", &["bg", "surface", "raised", "sunken"]),
            (4.5, "brand-text", &["bg", "surface", "raised", "sunken", "brand-soft"]),
            (4.5, "on-brand", &["brand", "brand-deep"]),
            (4.5, "ok-text", &["ok-soft", "surface"]),
            (4.5, "warn-text", &["warn-soft", "surface"]),
            (4.5, "bad-text", &["bad-soft", "surface"]),
            (3.0, "edge", &["bg", "surface", "raised"]),
            (3.0, "focus", &["bg", "surface", "raised"]),
        ];
        let mut faint = Vec::new();
        for hue in (0..360).step_by(5) {
            for chroma in [0.0, 0.06, 0.12, Accent::MOST_CHROMA] {
                for theme in [0, 1] {
                    let light = |name| {
                        let (lightness, chroma, own) = token(css, name, theme, chroma);
                        luminance(lightness, chroma, own.unwrap_or(f64::from(hue)))
                    };
                    for (least, text, grounds) in pairs {
                        for ground in grounds {
                            let found = contrast(light(text), light(ground));
                            if found < least {
                                faint.push(format!(
                                    "{text} on {ground}, hue {hue}, chroma {chroma}, theme {theme}: {found:.2}"
                                ));
                            }
                        }
                    }
                }
            }
        }
        assert!(faint.is_empty(), "{} pairs:\n{}", faint.len(), faint.join("\n"));
    }
}
