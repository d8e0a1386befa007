package dev.millrace.flink;

import dev.millrace.runners.JobState.Encoding;
import java.io.IOException;
import java.io.InputStream;
import java.io.ObjectOutputStream;
import java.io.ObjectStreamClass;
import java.io.OutputStream;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.lang.invoke.SerializedLambda;
import java.lang.reflect.Modifier;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import net.bytebuddy.jar.asm.ClassReader;
import net.bytebuddy.jar.asm.ClassWriter;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.StructuredCoder;
import org.apache.beam.sdk.values.TypeDescriptor;
import org.jspecify.annotations.Nullable;

/**
 * Tells how things are encoded in a savepoint: by coders, which stand in it themselves, serialized
 * by Java, or by Java alone.
 */
final class EncodedTypes {

  private static final String OURS = "dev.millrace.";
  private static final int CONSTANT_CLASS = 7;

  private final Map<String, String> types = new TreeMap<>();

  /** What was found of all classes that were met. */
  Map<String, String> types() {
    return types;
  }

  /** Values of a coder. */
  Encoding of(Coder<?> coder) {
    return new Encoding(words(coder), met(coder));
  }

  /** An object. */
  Encoding of(Serializable object, String words) {
    return new Encoding(words, met(object));
  }

  /** A coder, of which coders. */
  static String words(Coder<?> coder) {
    List<? extends Coder<?>> parts =
        coder instanceof StructuredCoder<?> structured
            ? structured.getComponents()
            : coder.getCoderArguments();
    @Nullable Class<?> record = record(coder);
    String name = coder.getClass().getSimpleName();
    if (record != null) {
      return record.getSimpleName();
    }
    return parts.isEmpty()
        ? name
        : name
            + parts.stream().map(EncodedTypes::words).collect(Collectors.joining(", ", "(", ")"));
  }

  /** The contract's class that a coder encodes by its schema, if it does. */
  private static @Nullable Class<?> record(Coder<?> coder) {
    if (coder.getCoderArguments() != null && !coder.getCoderArguments().isEmpty()) {
      return null;
    }
    TypeDescriptor<?> type = coder.getEncodedTypeDescriptor();
    return SpecificRecord.class.isAssignableFrom(type.getRawType()) ? type.getRawType() : null;
  }

  // ----------------------------------------------------------------------------------- classes

  private List<String> met(Serializable object) {
    Trace trace = new Trace();
    trace.follow(object);
    TreeSet<String> names = new TreeSet<>(trace.lambdas);
    trace.lambdas.forEach(lambda -> types.put(lambda, "a lambda, which has no version"));
    Deque<Class<?>> left = new ArrayDeque<>(trace.classes);
    while (!left.isEmpty()) {
      Class<?> type = left.remove();
      if (!type.isArray()
          && !type.isInterface()
          && !type.getName().startsWith("java.")
          && names.add(type.getName())) {
        types.computeIfAbsent(type.getName(), name -> identity(type));
        if (isOurCoder(type)) {
          left.addAll(namedBy(type));
        }
      }
    }
    return List.copyOf(names);
  }

  private static String identity(Class<?> type) {
    if (SpecificRecord.class.isAssignableFrom(type) && !Modifier.isAbstract(type.getModifiers())) {
      Schema schema = SpecificData.get().getSchema(type);
      return "schema " + Long.toHexString(SchemaNormalization.parsingFingerprint64(schema));
    }
    ObjectStreamClass serialized = ObjectStreamClass.lookup(type);
    String version =
        serialized == null ? "" : "serial " + Long.toHexString(serialized.getSerialVersionUID());
    return isOurCoder(type) ? version + ", code " + code(type) : version;
  }

  private static boolean isOurCoder(Class<?> type) {
    return Coder.class.isAssignableFrom(type) && type.getName().startsWith(OURS);
  }

  /** Coders that a coder calls, besides those it is made of. */
  private static List<Class<?>> namedBy(Class<?> type) {
    ClassReader reader = read(type);
    char[] buffer = new char[reader.getMaxStringLength()];
    List<Class<?>> named = new ArrayList<>();
    for (int i = 1; i < reader.getItemCount(); i++) {
      int at = reader.getItem(i);
      if (at > 0 && reader.readByte(at - 1) == CONSTANT_CLASS) {
        String name = reader.readUTF8(at, buffer).replace('/', '.');
        if (name.startsWith(OURS)) {
          try {
            Class<?> other = Class.forName(name, false, type.getClassLoader());
            if (isOurCoder(other)) {
              named.add(other);
            }
          } catch (ClassNotFoundException | LinkageError absent) {
            throw new IllegalStateException(type + " names a class that is not there", absent);
          }
        }
      }
    }
    return named;
  }

  /** What the code is, wherever its lines stand. */
  private static String code(Class<?> type) {
    ClassWriter bare = new ClassWriter(0);
    read(type).accept(bare, ClassReader.SKIP_DEBUG | ClassReader.SKIP_FRAMES);
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(bare.toByteArray());
      return HexFormat.of().formatHex(hash, 0, 8);
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private static ClassReader read(Class<?> type) {
    String file = type.getName().substring(type.getName().lastIndexOf('.') + 1) + ".class";
    try (InputStream in = type.getResourceAsStream(file)) {
      if (in == null) {
        throw new IllegalStateException("there is no " + file);
      }
      return new ClassReader(in);
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  /** Java's serialization, of which only the classes are wanted. */
  private static final class Trace {
    private final List<Class<?>> classes = new ArrayList<>();
    private final TreeSet<String> lambdas = new TreeSet<>();

    void follow(Serializable object) {
      try (ObjectOutputStream out = new Stream(OutputStream.nullOutputStream())) {
        out.writeObject(object);
      } catch (IOException failed) {
        throw new UncheckedIOException(failed);
      }
    }

    private final class Stream extends ObjectOutputStream {
      private Stream(OutputStream out) throws IOException {
        super(out);
        enableReplaceObject(true);
      }

      @Override
      protected void annotateClass(Class<?> type) {
        classes.add(type);
      }

      @Override
      protected Object replaceObject(Object object) {
        if (object instanceof SerializedLambda lambda) {
          lambdas.add(lambda.getImplClass().replace('/', '.') + "::" + lambda.getImplMethodName());
        }
        return object;
      }
    }
  }
}
