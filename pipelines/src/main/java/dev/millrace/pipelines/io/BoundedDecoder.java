package dev.millrace.pipelines.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.Decoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.util.Utf8;
import org.jspecify.annotations.Nullable;

/**
 * Reads Avro binary that may be anything. Avro's own decoder makes room for what a length says
 * before it looks whether so much is there; this takes no length beyond the bytes that are left,
 * and no more elements than there are bytes. Not thread-safe.
 */
final class BoundedDecoder extends Decoder {

  private byte[] all = {};
  private BinaryDecoder in = DecoderFactory.get().binaryDecoder(all, null);
  private long elements;

  /** Goes on with other bytes. */
  BoundedDecoder over(byte[] bytes, int from) {
    all = bytes;
    in = DecoderFactory.get().binaryDecoder(bytes, from, bytes.length - from, in);
    elements = 0;
    return this;
  }

  boolean isAtEnd() throws IOException {
    return in.isEnd();
  }

  private int size() throws IOException {
    long size = in.readLong();
    if (size < 0 || size > left()) {
      throw new AvroRuntimeException("a length beyond the end");
    }
    return (int) size;
  }

  private int left() throws IOException {
    return in.inputStream().available();
  }

  private long counted(long block) {
    if (block < 0 || block > all.length - elements) {
      throw new AvroRuntimeException("more elements than bytes");
    }
    elements += block;
    return block;
  }

  private byte[] bytes() throws IOException {
    byte[] bytes = new byte[size()];
    in.readFixed(bytes);
    return bytes;
  }

  @Override
  public void readNull() throws IOException {
    in.readNull();
  }

  @Override
  public boolean readBoolean() throws IOException {
    return in.readBoolean();
  }

  @Override
  public int readInt() throws IOException {
    return in.readInt();
  }

  @Override
  public long readLong() throws IOException {
    return in.readLong();
  }

  @Override
  public float readFloat() throws IOException {
    return in.readFloat();
  }

  @Override
  public double readDouble() throws IOException {
    return in.readDouble();
  }

  @Override
  public Utf8 readString(@Nullable Utf8 old) throws IOException {
    return new Utf8(bytes());
  }

  @Override
  public String readString() throws IOException {
    // Straight from the bytes, without a copy between.
    int size = size();
    String text = new String(all, all.length - left(), size, StandardCharsets.UTF_8);
    in.skipFixed(size);
    return text;
  }

  @Override
  public void skipString() throws IOException {
    in.skipFixed(size());
  }

  @Override
  public ByteBuffer readBytes(@Nullable ByteBuffer old) throws IOException {
    return ByteBuffer.wrap(bytes());
  }

  @Override
  public void skipBytes() throws IOException {
    in.skipFixed(size());
  }

  @Override
  public void readFixed(byte[] bytes, int start, int size) throws IOException {
    in.readFixed(bytes, start, size);
  }

  @Override
  public void skipFixed(int size) throws IOException {
    in.skipFixed(size);
  }

  @Override
  public int readEnum() throws IOException {
    return in.readEnum();
  }

  @Override
  public long readArrayStart() throws IOException {
    return counted(in.readArrayStart());
  }

  @Override
  public long arrayNext() throws IOException {
    return counted(in.arrayNext());
  }

  @Override
  public long skipArray() throws IOException {
    return counted(in.skipArray());
  }

  @Override
  public long readMapStart() throws IOException {
    return counted(in.readMapStart());
  }

  @Override
  public long mapNext() throws IOException {
    return counted(in.mapNext());
  }

  @Override
  public long skipMap() throws IOException {
    return counted(in.skipMap());
  }

  @Override
  public int readIndex() throws IOException {
    return in.readIndex();
  }
}
