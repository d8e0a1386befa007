package dev.millrace.runners;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.pipelines.CatalogueEntry;
import dev.millrace.pipelines.UserError;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.beam.runners.direct.DirectOptions;
import org.apache.beam.runners.direct.DirectRunner;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.transforms.Create;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What happens to a run before it is a cluster's. */
class SubmissionTest {

  private static final Submission.Surroundings SURROUNDINGS =
      new Submission.Surroundings() {
        @Override
        public String embeddedWarehouse() {
          throw Submission.noWarehouse();
        }
      };

  @TempDir Path directory;

  /** The words that were handed over. */
  private final List<String> handedOver = new ArrayList<>();

  private final List<String> calls = new ArrayList<>();

  @Test
  void pathsFromHereAreNamedAsTheProcessesOfAClusterOnThisMachineFindThem() throws Exception {
    // When
    String id = submit(Optional.of(directory), "--words=a.txt,/b.txt,file:c/*.txt");

    // Then
    assertThat(id, equalTo("job-1"));
    assertThat(
        handedOver, equalTo(List.of(directory + "/a.txt,/b.txt,file:" + directory + "/c/*.txt")));
    assertThat(calls, equalTo(List.of("check", "stage", "prepare", "submit", "handedOver")));
  }

  @Test
  void pathsFromHereAreRefusedForAClusterElsewhere() {
    // When
    UserError refused =
        assertThrows(UserError.class, () -> submit(Optional.empty(), "--words=a.txt"));

    // Then
    assertThat(
        refused.getMessage(),
        containsString(
            "--words is a.txt, a path from here, and the cluster runs elsewhere; give an absolute path"));
    assertThat(calls, equalTo(List.of()));
  }

  @Test
  void whatHoldsEverywhereGoesAsItIs() throws Exception {
    // When
    submit(Optional.empty(), "--words=/mnt/a.txt");

    // Then
    assertThat(handedOver, hasItem("/mnt/a.txt"));
  }

  private String submit(Optional<Path> sharedFiles, String... given) throws Exception {
    Submission submission = submission(sharedFiles);
    Live live = new Live();
    PipelineOptions options = submission.options(live, List.of(given), this::parse, SURROUNDINGS);
    return submission.submit(live, options, SURROUNDINGS);
  }

  private Submission submission(Optional<Path> sharedFiles) {
    ClusterEngine cluster =
        new ClusterEngine() {
          @Override
          public String version() {
            return "1.0";
          }

          @Override
          public List<String> defaults(String address, int slots) {
            return List.of();
          }

          @Override
          public void check(PipelineOptions options, Map<String, String> configuration) {
            calls.add("check");
          }

          @Override
          public void stage(PipelineOptions options) {
            calls.add("stage");
          }

          @Override
          public String submit(Pipeline pipeline) {
            calls.add("submit");
            handedOver.add(
                String.valueOf(pipeline.getOptions().as(CountWords.Options.class).getWords()));
            return "job-1";
          }
        };
    return new Submission(
        new Engine(
            DirectRunner.class, DirectOptions.class, List.of(), List.of(), Optional.of(cluster)),
        Map.of(),
        sharedFiles);
  }

  private PipelineOptions parse(List<String> given) {
    return new Arguments("live", List.of(CountWords.Options.class, DirectOptions.class))
        .parse(CountWords.Options.class, List.of("--runner=DirectRunner"), given);
  }

  /** A pipeline that reads files for ever. */
  private final class Live implements CatalogueEntry {

    @Override
    public String name() {
      return "live";
    }

    @Override
    public String summary() {
      return "";
    }

    @Override
    public Class<? extends PipelineOptions> optionsClass() {
      return CountWords.Options.class;
    }

    @Override
    public Job job(PipelineOptions options, CatalogueEntry.Surroundings surroundings) {
      String words = String.valueOf(options.as(CountWords.Options.class).getWords());
      return new Job() {
        @Override
        public boolean isLive() {
          return true;
        }

        @Override
        public Map<String, String> files() {
          return Map.of("--words", words);
        }

        @Override
        public void prepare() {
          calls.add("prepare");
        }

        @Override
        public void build(Pipeline pipeline) {
          pipeline.apply(Create.of(words));
        }

        @Override
        public void handedOver() {
          calls.add("handedOver");
        }

        @Override
        public String finish(PipelineResult result) {
          throw new AssertionError("it is not waited for");
        }
      };
    }
  }
}
