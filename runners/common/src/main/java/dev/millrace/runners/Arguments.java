package dev.millrace.runners;

import dev.millrace.pipelines.UserError;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;

/** Turns options as users type them into Beam's. */
final class Arguments {

  private final String of;
  private final Map<String, OptionSpec> known = new TreeMap<>();

  /**
   * @param of what the options belong to, for messages
   * @param options interfaces whose options are taken
   */
  Arguments(String of, List<Class<? extends PipelineOptions>> options) {
    this.of = of;
    options.forEach(
        type -> OptionSpec.of(type).forEach(spec -> known.putIfAbsent(key(spec.property()), spec)));
  }

  /**
   * Beam's options for the arguments of a user; {@code defaults} hold where the user gives nothing.
   */
  <T extends PipelineOptions> T parse(Class<T> type, List<String> defaults, List<String> given) {
    Map<String, String> values = values(defaults);
    values.putAll(values(given));
    // Not registered with Beam: pipelines of one process would have to agree on every default.
    try {
      return PipelineOptionsFactory.fromArgs(
              values.entrySet().stream()
                  .map(option -> "--" + option.getKey() + "=" + option.getValue())
                  .toArray(String[]::new))
          .withValidation()
          .as(type);
    } catch (IllegalArgumentException refused) {
      throw new UserError(
          "The options of " + of + " are refused: " + refused.getMessage(), refused);
    }
  }

  /** Values by property, in the order given. */
  Map<String, String> values(List<String> arguments) {
    Map<String, String> values = new LinkedHashMap<>();
    List<String> left = new ArrayList<>(arguments);
    while (!left.isEmpty()) {
      String argument = left.remove(0);
      if (!argument.startsWith("--") || argument.length() == 2) {
        throw new UserError(
            "'" + argument + "' is no option of " + of + "; options are written --name=value.");
      }
      int equals = argument.indexOf('=');
      String name = equals < 0 ? argument : argument.substring(0, equals);
      OptionSpec spec = known.get(key(name));
      if (spec == null) {
        List<String> names = known.values().stream().map(OptionSpec::name).toList();
        throw new UserError(
            "Unknown option "
                + name
                + " of "
                + of
                + "."
                + Nearest.hint(name.toLowerCase(Locale.ROOT), names)
                + " All of them: millrace help "
                + of);
      }
      String value;
      if (equals >= 0) {
        value = argument.substring(equals + 1);
      } else if (spec.isSwitch()) {
        value = "true";
      } else if (!left.isEmpty() && !left.get(0).startsWith("--")) {
        value = left.remove(0);
      } else {
        throw new UserError(
            spec.name() + " needs a value (" + spec.kind() + "): " + spec.name() + "=…");
      }
      spec.check(value);
      String before = values.get(spec.property());
      if (before != null && !spec.isList()) {
        throw new UserError(spec.name() + " is given twice; give it once.");
      }
      values.put(spec.property(), before == null ? value : before + "," + value);
    }
    return values;
  }

  /** {@code --max-reject-ratio} and {@code --maxRejectRatio} are the same. */
  private static String key(String name) {
    return name.replace("-", "").toLowerCase(Locale.ROOT);
  }
}
