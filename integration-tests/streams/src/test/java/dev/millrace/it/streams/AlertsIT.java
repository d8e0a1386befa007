package dev.millrace.it.streams;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItems;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The alerts that a user is given, before Prometheus itself. */
class AlertsIT {

  static final Path RULES = Path.of("../../docs/runbooks/alerts.yml").toAbsolutePath();
  private static final Path TESTS = Path.of("src/test/resources/alerts-test.yml").toAbsolutePath();
  private static final Pattern ALERT = Pattern.compile("- alert: (\\w+)");
  private static final Pattern TESTED = Pattern.compile("alertname: (\\w+)");

  @Test
  void theRulesAreRules() throws Exception {
    // When
    Promtool.Ended ended = Promtool.run("check", "rules", RULES.toString());

    // Then
    assertThat(ended.out(), ended.status(), equalTo(0));
  }

  @Test
  void eachAlertIsRaisedWhenItShouldAndOnlyThen() throws Exception {
    // When
    Promtool.Ended ended = Promtool.run("test", "rules", TESTS.toString());

    // Then
    assertThat(ended.out(), ended.status(), equalTo(0));
    assertThat(
        "each is tested",
        names(TESTED, TESTS),
        hasItems(names(ALERT, RULES).toArray(String[]::new)));
  }

  @Test
  void theRunbookSaysWhatToDoAboutEachAlert() throws Exception {
    // Given
    String runbook = Files.readString(RULES.resolveSibling("operations.md"));

    // When
    Set<String> unknown = names(ALERT, RULES);
    unknown.removeIf(alert -> runbook.contains("`" + alert + "`"));

    // Then
    assertThat(unknown, equalTo(Set.of()));
  }

  private static Set<String> names(Pattern pattern, Path file) throws Exception {
    Set<String> names = new TreeSet<>();
    Matcher matcher = pattern.matcher(Files.readString(file));
    while (matcher.find()) {
      names.add(matcher.group(1));
    }
    return names;
  }
}
