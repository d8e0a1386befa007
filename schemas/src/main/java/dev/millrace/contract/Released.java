package dev.millrace.contract;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.Schema;

/**
 * The versions of contracts that were released: producers may send records of any of them, and
 * files may hold them. They are never changed.
 */
public final class Released {

  private Released() {}

  /** The released versions of a contract, oldest first; empty if none was released. */
  public static List<Contract> of(String name) {
    List<Contract> versions = new ArrayList<>();
    while (true) {
      String resource = "/released/" + name + "/v" + (versions.size() + 1) + ".avsc";
      try (InputStream in = Released.class.getResourceAsStream(resource)) {
        if (in == null) {
          return List.copyOf(versions);
        }
        versions.add(Contract.of(new Schema.Parser().parse(in)));
      } catch (IOException unreadable) {
        throw new UncheckedIOException("cannot read " + resource, unreadable);
      }
    }
  }
}
