package dev.millrace.pipelines.report;

import java.util.Locale;

/**
 * Markup under construction. Whatever comes in as text or as a value of an attribute is escaped;
 * there is no way in for markup, so that no record can bring its own.
 */
final class Html {

  private final StringBuilder out = new StringBuilder();

  Html declaration() {
    out.append("<!DOCTYPE html>\n");
    return this;
  }

  /** Opens an element; attributes as name, value, name, value. */
  Html open(String tag, Object... attributes) {
    out.append('<').append(tag);
    for (int i = 0; i < attributes.length; i += 2) {
      out.append(' ').append(attributes[i]).append("=\"");
      escape(
          attributes[i + 1] instanceof Double number
              ? coordinate(number)
              : attributes[i + 1].toString());
      out.append('"');
    }
    out.append('>');
    return this;
  }

  Html close(String tag) {
    out.append("</").append(tag).append('>');
    return this;
  }

  Html text(String text) {
    escape(text);
    return this;
  }

  /** An element with nothing but text. */
  Html put(String tag, String text, Object... attributes) {
    return open(tag, attributes).text(text).close(tag);
  }

  /** Markup that was made the same way. */
  Html append(Html part) {
    out.append(part.out);
    return this;
  }

  Html line() {
    out.append('\n');
    return this;
  }

  /** The style sheet of the page, the only thing that is not escaped. */
  Html styleSheet(String css) {
    out.append("<style>").append(css).append("</style>");
    return this;
  }

  /** A coordinate with at most one decimal. */
  static String coordinate(double value) {
    String text = String.format(Locale.ROOT, "%.1f", value);
    String bare = text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
    return bare.equals("-0") ? "0" : bare;
  }

  private void escape(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '&' -> out.append("&amp;");
        case '<' -> out.append("&lt;");
        case '>' -> out.append("&gt;");
        case '"' -> out.append("&quot;");
        case '\'' -> out.append("&#39;");
        // What may not stand in HTML, or turns the direction of what follows, is made visible.
        default -> out.append(isUnsafe(c) ? '\uFFFD' : c);
      }
    }
  }

  private static boolean isUnsafe(char c) {
    return (c < ' ' && c != '\n' && c != '\t')
        || (c >= '\u007F' && c <= '\u009F')
        || (c >= '\u202A' && c <= '\u202E')
        || (c >= '\u2066' && c <= '\u2069');
  }

  @Override
  public String toString() {
    return out.toString();
  }
}
