package dev.millrace.contract;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ContractDocsTest {

  @Test
  void thePageSaysWhatTheContractsSay() throws IOException {
    Path file = SchemaFiles.page();
    String page = ContractDocs.page(Contracts.all());

    if (Boolean.getBoolean("millrace.update")) {
      Files.createDirectories(file.toAbsolutePath().getParent());
      Files.writeString(file, page);
    }

    assertThat(
        "docs/contracts.md differs from the contracts. Rewrite it:"
            + " ./mvnw -pl schemas test -Dmillrace.update=true",
        Files.exists(file) ? Files.readString(file) : "",
        equalTo(page));
  }

  @Test
  void rulesStandInWordsAndBarsDoNotBreakTheTable() {
    Contract contract =
        ContractTest.of(
            "\"key\": [\"code\"],",
            "{\"name\": \"code\", \"type\": \"string\", \"pattern\": \"A|B\", \"maxLength\": 9,"
                + " \"examples\": [\"A\"], \"doc\": \"Code.\"}");

    String page = ContractDocs.page(List.of(contract));

    assertThat(
        page,
        containsString(
            "| `code` | string | yes | match A\\|B; have at most 9 characters |  |  | 1 | Code. Such"
                + " as `A`. |"));
  }

  @Test
  void everyReasonHasARow() {
    String page = ContractDocs.page(List.of());

    for (Reason reason : Reason.values()) {
      assertThat(page, containsString("| `" + reason + "` | " + reason.description()));
    }
  }
}
