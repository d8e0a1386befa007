package dev.millrace.runners;

import dev.millrace.pipelines.Example;
import dev.millrace.pipelines.UserError;
import java.lang.annotation.Annotation;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.beam.sdk.options.Default;
import org.apache.beam.sdk.options.Description;
import org.apache.beam.sdk.options.Hidden;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.options.Validation;
import org.jspecify.annotations.Nullable;

/**
 * One option of a pipeline, read from its getter, so that help and checks say what the code does.
 *
 * @param property Beam's name, {@code maxRejectRatio}
 * @param name as it is typed, {@code --max-reject-ratio}
 * @param declaredIn the interface of its getter
 */
record OptionSpec(
    String property,
    String name,
    Class<?> type,
    String description,
    @Nullable String defaultValue,
    @Nullable String example,
    boolean required,
    Class<?> declaredIn) {

  /**
   * Options of the interface and all it extends: the pipeline's first, in the order of their names
   * otherwise.
   */
  static List<OptionSpec> of(Class<? extends PipelineOptions> options) {
    return Arrays.stream(options.getMethods())
        .filter(method -> isGetter(method, options))
        .map(OptionSpec::of)
        .sorted(Comparator.comparing(OptionSpec::builtIn).thenComparing(OptionSpec::name))
        .toList();
  }

  /** What is typed for a property: {@code maxRejectRatio} is {@code --max-reject-ratio}. */
  static String typed(String property) {
    return "--" + property.replaceAll("(?<=[a-z0-9])(?=[A-Z])", "-").toLowerCase(Locale.ROOT);
  }

  /** Whether it belongs to Beam or the runner and not to the pipeline. */
  boolean builtIn() {
    return declaredIn.getName().startsWith("org.apache.beam.");
  }

  /** The same with another default. */
  OptionSpec withDefault(String value) {
    return new OptionSpec(property, name, type, description, value, value, false, declaredIn);
  }

  /** The kind of value, in words. */
  String kind() {
    if (type == boolean.class || type == Boolean.class) {
      return "true|false";
    }
    if (type.isEnum()) {
      return Arrays.stream(type.getEnumConstants())
          .map(String::valueOf)
          .collect(Collectors.joining("|"));
    }
    if (isWhole()) {
      return "whole number";
    }
    if (type == double.class
        || type == Double.class
        || type == float.class
        || type == Float.class) {
      return "number";
    }
    return type.isArray() || Collection.class.isAssignableFrom(type) ? "list, with commas" : "text";
  }

  boolean isList() {
    return type.isArray() || Collection.class.isAssignableFrom(type);
  }

  boolean isSwitch() {
    return type == boolean.class || type == Boolean.class;
  }

  /** Throws a {@link UserError} if a value is not of this kind. */
  void check(String value) {
    boolean fits =
        switch (kind()) {
          case "whole number" -> value.matches("[+-]?\\d{1,18}") && fitsInt(value);
          case "number" -> isNumber(value);
          case "text", "list, with commas" -> true;
          default -> Arrays.asList(kind().split("\\|")).contains(value);
        };
    if (!fits) {
      String instead = example == null ? "" : ", such as " + name + "=" + example;
      throw new UserError(
          name
              + " is '"
              + value
              + "', which is no "
              + kind().replace("|", " or ")
              + "; give one"
              + instead
              + ".");
    }
  }

  private boolean isWhole() {
    return type == int.class || type == Integer.class || type == long.class || type == Long.class;
  }

  private boolean fitsInt(String value) {
    return type == long.class
        || type == Long.class
        || Long.parseLong(value) == (int) Long.parseLong(value);
  }

  private static boolean isNumber(String value) {
    try {
      return Double.isFinite(Double.parseDouble(value));
    } catch (NumberFormatException notANumber) {
      return false;
    }
  }

  private static OptionSpec of(Method getter) {
    String property = property(getter);
    String defaultValue = defaultOf(getter);
    Description description = getter.getAnnotation(Description.class);
    Example example = getter.getAnnotation(Example.class);
    return new OptionSpec(
        property,
        typed(property),
        getter.getReturnType(),
        description == null ? "" : description.value().strip(),
        defaultValue,
        example == null ? defaultValue : example.value(),
        getter.isAnnotationPresent(Validation.Required.class),
        getter.getDeclaringClass());
  }

  private static boolean isGetter(Method method, Class<?> options) {
    return method.getParameterCount() == 0
        && method.getName().matches("(get|is)[A-Z].*")
        && !method.isAnnotationPresent(Hidden.class)
        && Stream.of(options.getMethods())
            .anyMatch(
                setter ->
                    setter.getParameterCount() == 1
                        && setter
                            .getName()
                            .equals("set" + method.getName().replaceFirst("get|is", "")));
  }

  private static String property(Method getter) {
    String name = getter.getName().replaceFirst("get|is", "");
    return Character.toLowerCase(name.charAt(0)) + name.substring(1);
  }

  private static @Nullable String defaultOf(Method getter) {
    for (Annotation annotation : getter.getAnnotations()) {
      if (annotation.annotationType().getEnclosingClass() == Default.class
          && !(annotation instanceof Default.InstanceFactory)) {
        try {
          Object value = annotation.annotationType().getMethod("value").invoke(annotation);
          return value instanceof Class<?> type ? type.getName() : String.valueOf(value);
        } catch (ReflectiveOperationException impossible) {
          throw new IllegalStateException(impossible);
        }
      }
    }
    return null;
  }
}
