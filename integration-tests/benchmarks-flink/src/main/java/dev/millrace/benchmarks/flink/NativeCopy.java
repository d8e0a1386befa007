package dev.millrace.benchmarks.flink;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.schemas.web.ShopEvent;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.avro.Schema;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.specific.SpecificDatumWriter;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.formats.avro.RegistryAvroDeserializationSchema;
import org.apache.flink.formats.avro.RegistryAvroSerializationSchema;
import org.apache.flink.formats.avro.SchemaCoder;
import org.apache.flink.formats.avro.typeutils.AvroTypeInfo;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;

/**
 * A topic copied as one would write it for Flink: its source and its sink for Kafka, at least once.
 * Plain: Flink's own formats and defaults. Tuned: object reuse, and Avro without Flink's streams
 * around the bytes.
 */
final class NativeCopy {

  private NativeCopy() {}

  static void run(TopicCopy copy, boolean tuned) throws Exception {
    StreamExecutionEnvironment environment = NativeJob.environment(tuned);
    String registry = copy.registry();
    if (registry == null) {
      SimpleStringSchema strings = new SimpleStringSchema();
      copy(environment, copy, strings, strings);
    } else if (tuned) {
      copy(environment, copy, new EventReader(registry), new EventWriter(registry, copy.to()));
    } else {
      // Flink sets the schemas for each record, for which Avro's fast reader resolves them anew.
      System.setProperty("org.apache.avro.fastread", "false");
      String to = copy.to();
      SchemaCoder.SchemaCoderProvider wire = () -> new Wire(registry, to);
      copy(
          environment,
          copy,
          new RegistryAvroDeserializationSchema<>(ShopEvent.class, null, wire),
          new RegistryAvroSerializationSchema<>(ShopEvent.class, ShopEvent.getClassSchema(), wire));
    }
    environment.execute();
    copy.await();
  }

  private static <T> void copy(
      StreamExecutionEnvironment environment,
      TopicCopy copy,
      DeserializationSchema<T> reader,
      SerializationSchema<T> writer) {
    KafkaSource<T> source =
        KafkaSource.<T>builder()
            .setBootstrapServers(copy.servers())
            .setTopics(copy.input().topic())
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setBounded(OffsetsInitializer.latest())
            // As Millrace's consumer is set.
            .setProperty("max.poll.records", "1000")
            .setValueOnlyDeserializer(reader)
            .build();
    // As Millrace's producer is set.
    Properties settings = new Properties();
    settings.put("acks", "all");
    settings.put("enable.idempotence", "true");
    settings.put("linger.ms", "5");
    settings.put("compression.type", "lz4");
    KafkaSink<T> sink =
        KafkaSink.<T>builder()
            .setBootstrapServers(copy.servers())
            .setKafkaProducerConfig(settings)
            .setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE)
            .setRecordSerializer(
                KafkaRecordSerializationSchema.builder()
                    .setTopic(copy.to())
                    .setValueSerializationSchema(writer)
                    .build())
            .build();
    environment.fromSource(source, WatermarkStrategy.noWatermarks(), "values").sinkTo(sink);
  }

  /** What these jobs ask a registry. */
  private static final class Registry {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Registry() {}

    static Schema schema(String registry, int id) throws IOException {
      return new Schema.Parser()
          .parse(ask(request(registry, "/schemas/ids/" + id).GET(), "schema"));
    }

    static int register(String registry, String subject, Schema schema) throws IOException {
      String body = JSON.writeValueAsString(Map.of("schema", schema.toString()));
      HttpRequest.Builder request =
          request(registry, "/subjects/" + subject + "/versions")
              .header("Content-Type", "application/vnd.schemaregistry.v1+json")
              .POST(HttpRequest.BodyPublishers.ofString(body));
      return Integer.parseInt(ask(request, "id"));
    }

    private static HttpRequest.Builder request(String registry, String path) {
      return HttpRequest.newBuilder(URI.create(registry + path));
    }

    private static String ask(HttpRequest.Builder request, String field) throws IOException {
      try {
        HttpResponse<String> answer =
            HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString());
        return JSON.readTree(answer.body()).required(field).asText();
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
        throw new IOException(interrupted);
      }
    }
  }

  /** The wire format of Confluent's serializers, for Flink's own schemas of Avro. */
  private static final class Wire implements SchemaCoder {
    private final String registry;
    private final String topic;
    private final Map<Integer, Schema> schemas = new HashMap<>();
    private final Map<Schema, Integer> ids = new HashMap<>();

    private Wire(String registry, String topic) {
      this.registry = registry;
      this.topic = topic;
    }

    @Override
    public Schema readSchema(InputStream in) throws IOException {
      DataInputStream data = new DataInputStream(in);
      if (data.readByte() != 0) {
        throw new IOException("not in the wire format");
      }
      int id = data.readInt();
      Schema schema = schemas.get(id);
      if (schema == null) {
        schema = Registry.schema(registry, id);
        schemas.put(id, schema);
      }
      return schema;
    }

    @Override
    public void writeSchema(Schema schema, OutputStream out) throws IOException {
      Integer id = ids.get(schema);
      if (id == null) {
        id = Registry.register(registry, topic + "-value", schema);
        ids.put(schema, id);
      }
      out.write(0);
      new DataOutputStream(out).writeInt(id);
    }
  }

  private static final class EventReader implements DeserializationSchema<ShopEvent> {
    private static final long serialVersionUID = 1L;

    private final String registry;
    private transient @Nullable Map<Integer, SpecificDatumReader<ShopEvent>> readers;
    private transient @Nullable BinaryDecoder decoder;

    private EventReader(String registry) {
      this.registry = registry;
    }

    @Override
    public ShopEvent deserialize(byte[] value) throws IOException {
      if (value[0] != 0) {
        throw new IOException("not in the wire format");
      }
      int id = ByteBuffer.wrap(value).getInt(1);
      if (readers == null) {
        readers = new HashMap<>();
      }
      SpecificDatumReader<ShopEvent> reader = readers.get(id);
      if (reader == null) {
        reader =
            new SpecificDatumReader<>(
                Registry.schema(registry, id),
                ShopEvent.getClassSchema(),
                SpecificData.getForClass(ShopEvent.class));
        readers.put(id, reader);
      }
      decoder = DecoderFactory.get().binaryDecoder(value, 5, value.length - 5, decoder);
      return reader.read(null, decoder);
    }

    @Override
    public boolean isEndOfStream(ShopEvent event) {
      return false;
    }

    @Override
    public TypeInformation<ShopEvent> getProducedType() {
      return new AvroTypeInfo<>(ShopEvent.class);
    }
  }

  private static final class EventWriter implements SerializationSchema<ShopEvent> {
    private static final long serialVersionUID = 1L;

    private final String registry;
    private final String topic;
    private transient int id;
    private transient @Nullable SpecificDatumWriter<ShopEvent> writer;
    private transient @Nullable ByteArrayOutputStream bytes;
    private transient @Nullable BinaryEncoder encoder;

    private EventWriter(String registry, String topic) {
      this.registry = registry;
      this.topic = topic;
    }

    @Override
    public byte[] serialize(ShopEvent event) {
      try {
        if (writer == null || bytes == null) {
          id = Registry.register(registry, topic + "-value", ShopEvent.getClassSchema());
          writer = new SpecificDatumWriter<>(ShopEvent.class);
          bytes = new ByteArrayOutputStream(1 << 10);
        }
        bytes.reset();
        bytes.write(0);
        bytes.write(id >>> 24);
        bytes.write(id >>> 16);
        bytes.write(id >>> 8);
        bytes.write(id);
        encoder = EncoderFactory.get().binaryEncoder(bytes, encoder);
        writer.write(event, encoder);
        encoder.flush();
        return bytes.toByteArray();
      } catch (IOException failed) {
        throw new java.io.UncheckedIOException(failed);
      }
    }
  }
}
