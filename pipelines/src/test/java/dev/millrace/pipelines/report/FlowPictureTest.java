package dev.millrace.pipelines.report;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.greaterThan;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.is;

import dev.millrace.pipelines.report.Flow.Amount;
import dev.millrace.pipelines.report.Flow.Exit;
import dev.millrace.pipelines.report.RunInfo.Input;
import dev.millrace.pipelines.report.RunReport.LedgerRow;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class FlowPictureTest {

  private static final Pattern TEXT =
      Pattern.compile("<text x=\"([^\"]+)\" y=\"([^\"]+)\" class=\"([^\"]+)\">([^<]*)");

  @Property(tries = 200)
  void labelsNeverOverlap(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 5) int inputs,
      @ForAll @IntRange(min = 1, max = 20) int sources,
      @ForAll @IntRange(min = 1, max = 6) int stages) {
    Flow flow = Flow.of(random(seed, inputs, sources, stages));
    FlowPicture picture = new FlowPicture(flow, "");
    Html wide = new Html();
    Html tall = new Html();

    picture.wide(wide);
    picture.tall(tall);

    for (Html form : List.of(wide, tall)) {
      List<Box> labels = TEXT.matcher(form.toString()).results().map(Box::of).toList();
      List<String> overlaps = new ArrayList<>();
      for (int i = 0; i < labels.size(); i++) {
        for (int j = i + 1; j < labels.size(); j++) {
          if (labels.get(i).overlaps(labels.get(j))) {
            overlaps.add(labels.get(i) + " and " + labels.get(j));
          }
        }
      }
      assertThat(labels.size(), greaterThan(2));
      assertThat(overlaps, empty());
    }
  }

  @Test
  void oneRecordOfAMillionIsStillToBeSeen() {
    RunReport report =
        Reports.withLedger(
            Reports.balanced(),
            List.of(
                new LedgerRow("RefineSales", "a", 1_000_000, 999_999, 1, 0, 0, 0),
                new LedgerRow("DedupSales", "a", 999_999, 999_999, 0, 0, 0, 0),
                new LedgerRow("EnrichSales", "a", 999_999, 999_999, 0, 0, 0, 0)));
    Html out = new Html();

    new FlowPicture(Flow.of(report), "").tall(out);

    assertThat(
        out.toString(), containsString("width=\"2.5\" height=\"19\" class=\"band invalid\""));
  }

  @Test
  void whatIsLostOfOneSourceIsNotSetOffAgainstWhatIsTooMuchOfAnother() {
    RunReport report =
        Reports.withLedger(
            Reports.balanced(),
            List.of(
                new LedgerRow("RefineSales", "a", 10, 8, 0, 0, 0, 0),
                new LedgerRow("RefineSales", "b", 10, 12, 0, 0, 0, 0)));

    List<Amount<Exit>> exits = Flow.of(report).lanes().get(0).stages().get(0).exits();

    // Each of the two is also missing in the stage that follows, which has read nothing.
    assertThat(exits, is(List.of(new Amount<>(Exit.LOST, 22L), new Amount<>(Exit.EXCESS, 2L))));
  }

  @Test
  void manySourcesOfOneInputAreGathered() {
    Flow flow = Flow.of(random(1, 1, 20, 1));

    assertThat(flow.lanes().get(0).sources(), hasSize(12));
    assertThat(flow.lanes().get(0).sources().get(11).of(), is("9 more sources"));
  }

  @Test
  void aLongNameLosesItsMiddle() {
    assertThat(FlowPicture.shorten("sales_fact_1997.json", 70, 7), is("sales…json"));
    assertThat(FlowPicture.shorten("short", 70, 7), is("short"));
  }

  /** A ledger that balances between stages, with names and counts of any length. */
  private static RunReport random(long seed, int inputs, int sources, int stages) {
    Random random = new Random(seed);
    List<Input> declared = new ArrayList<>();
    List<LedgerRow> ledger = new ArrayList<>();
    for (int i = 0; i < inputs; i++) {
      List<String> names = new ArrayList<>();
      for (int s = 0; s < stages; s++) {
        names.add("Stage" + i + "X".repeat(random.nextInt(30)) + s);
      }
      declared.add(Input.of("input" + i, "files", sources, names));
      for (int f = 0; f < sources; f++) {
        String source = "source_" + i + "_".repeat(random.nextInt(40)) + f;
        long read = (long) Math.pow(10, random.nextDouble() * 9);
        for (String stage : names) {
          long invalid = part(random, read / 5);
          long late = part(random, read / 5);
          long duplicate = part(random, read / 5);
          long filtered = part(random, read / 5);
          long lost = part(random, read / 5);
          long written = read - invalid - late - duplicate - filtered - lost;
          ledger.add(
              new LedgerRow(stage, source, read, written, invalid, late, duplicate, filtered));
          read = written;
        }
      }
    }
    return new RunReport(
        Reports.run(declared.toArray(Input[]::new)),
        ledger,
        List.of(),
        List.of(),
        RunReport.Revenue.NONE,
        List.of(),
        List.of(),
        List.of());
  }

  private static long part(Random random, long most) {
    return random.nextBoolean() ? 0 : random.nextLong(most + 1);
  }

  private record Box(String text, double left, double right, double top, double bottom) {
    static Box of(MatchResult label) {
      double x = Double.parseDouble(label.group(1));
      double baseline = Double.parseDouble(label.group(2));
      boolean mono = label.group(3).matches(".*(count|exit|total).*");
      double width = label.group(4).length() * (mono ? 7.53 : 6.9);
      double left = label.group(3).contains("right") ? x - width : x;
      return new Box(label.group(4), left, left + width, baseline - 10, baseline + 3);
    }

    boolean overlaps(Box other) {
      return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
    }
  }
}
