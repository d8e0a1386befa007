package dev.millrace.pipelines.generate;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.is;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.NotEmpty;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DimensionIdsTest {

  private static final DimensionIds FEW =
      new DimensionIds(
          Ids.parse("1-2"),
          Ids.parse("9"),
          Ids.parse("0,4"),
          Ids.parse("0,3"),
          Ids.parse("367-368"));

  @TempDir Path directory;

  @Test
  void idsAreReadFromADirectory() throws IOException {
    write(directory);

    assertThat(DimensionIds.from(directory), is(FEW));
  }

  @Test
  void idsAreReadFromAJar() throws IOException {
    Path jar = directory.resolve("foodmart.jar");
    try (FileSystem files = FileSystems.newFileSystem(jar, Map.of("create", "true"))) {
      write(files.getPath("/"));
    }

    assertThat(DimensionIds.from(jar), is(FEW));
  }

  @Test
  void aMissingFileIsNamed() throws IOException {
    write(directory);
    Files.delete(directory.resolve("promotion.json"));

    NoSuchFileException missing =
        assertThrows(NoSuchFileException.class, () -> DimensionIds.from(directory));
    assertThat(missing.getMessage(), containsString("holds no promotion.json; give the directory"));
    assertThrows(
        NoSuchFileException.class, () -> DimensionIds.from(directory.resolve("nowhere.jar")));
  }

  @Test
  void anEmptyDimensionIsNamed() throws IOException {
    write(directory);
    Files.writeString(directory.resolve("store.json"), "");

    IllegalArgumentException empty =
        assertThrows(IllegalArgumentException.class, () -> DimensionIds.from(directory));
    assertThat(
        empty.getMessage(), containsString("store.json, store_id: a dimension needs at least one"));
  }

  @Test
  void idsTheContractForbidsAreRefused() {
    Ids one = Ids.of(1);
    refused(() -> new DimensionIds(Ids.of(0), one, one, one, one), "customer ids must be at least");
    refused(() -> new DimensionIds(one, Ids.of(0), one, one, one), "product ids must be at least");
    refused(() -> new DimensionIds(one, one, one, one, Ids.of(0)), "day ids must be at least 1");
    refused(() -> new DimensionIds(one, one, one, one, Ids.of(36_525)), "must be at most 36524");
    refused(() -> Ids.of(-1), "ids must lie between");
    refused(() -> Ids.of(), "at least one id");
    refused(() -> Ids.parse("1-3,x"), "\"x\" is no id or range of ids");
    refused(() -> Ids.parse("3-1"), "must ascend");
  }

  @Property
  void theTextOfIdsGivesTheSameIds(
      @ForAll @NotEmpty Set<@IntRange(min = 0, max = 300) Integer> ids) {
    Ids some = Ids.of(ids.stream().mapToInt(id -> id).toArray());

    assertThat(Ids.parse(some.toString()), is(some));
    assertThat(some.size(), is(ids.size()));
    Randomness random = new Randomness(ids.size());
    for (int i = 0; i < 100; i++) {
      int absent = some.anAbsent(random);
      assertThat(some.contains(absent), is(false));
      assertThat(absent > some.first(), is(true));
    }
  }

  private static void refused(Runnable ids, String message) {
    IllegalArgumentException refused = assertThrows(IllegalArgumentException.class, ids::run);
    assertThat(refused.getMessage(), containsString(message));
  }

  private static void write(Path folder) throws IOException {
    Files.writeString(
        folder.resolve("customer.json"),
        "{\"customer_id\":1,\"lname\":\"A\"}\n{\"customer_id\":2,\"lname\":\"B\"}\n");
    Files.writeString(
        folder.resolve("product.json"), "{\"product_class_id\":3,\"product_id\":9}\n");
    Files.writeString(folder.resolve("store.json"), "{\"store_id\":4}\n{\"store_id\":0}\n");
    Files.writeString(
        folder.resolve("promotion.json"), "{\"promotion_id\":0}\n{\"promotion_id\":3}\n");
    Files.writeString(folder.resolve("time_by_day.json"), "{\"time_id\":367}\n{\"time_id\":368}\n");
  }
}
