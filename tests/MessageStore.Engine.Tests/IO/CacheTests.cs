using System.Security.Cryptography;
using MessageStore.IO;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.IO;

/// <summary>What is asked of the system's cache, and that asking changes nothing of what a file holds.</summary>
public sealed class CacheTests
{
    private const long MiB = 1 << 20;

    [Theory]
    [InlineData(false, 8 << 20)]
    [InlineData(true, 256 << 10)] // beside users, whose flushes the disk does in between
    public void What_is_written_leaves_the_cache_behind_the_writer_and_never_before_it_was_asked_to_be_written_out(bool isQuiet, int atATime)
    {
        const long Piece = 128 << 10;
        using var file = new AskedFile();
        var cache = new DropBehind(file, 100) { IsQuiet = isQuiet };
        for (long end = 100 + Piece; end <= 100 + 100 * MiB; end += Piece) cache.Written(end);
        Assert.Equal(100, file.Begun[0].Offset);
        Assert.All(file.Begun, b => Assert.Equal(atATime, b.End - b.Offset));
        Assert.All(file.Begun.Skip(1).Zip(file.Begun), pair => Assert.Equal(pair.Second.End, pair.First.Offset)); // without gaps
        Assert.NotEmpty(file.Dropped);
        Assert.All(file.Dropped, d => Assert.True(d.Offset == 100 && d.End <= d.BegunEnd - 32 * MiB));
        cache.Flushed(100 + 100 * MiB);
        Assert.Equal((100, 100 + 100 * MiB), (file.Dropped[^1].Offset, file.Dropped[^1].End));
    }

    [Fact]
    public void What_is_read_again_at_once_stays_in_the_cache()
    {
        using var file = new AskedFile();
        var cache = new DropBehind(file) { Keeps = true };
        for (long end = MiB; end <= 100 * MiB; end += MiB) cache.Written(end);
        cache.Flushed(100 * MiB);
        Assert.NotEmpty(file.Begun);
        Assert.Empty(file.Dropped);
    }

    [Fact]
    public void Reading_from_front_to_back_lets_go_of_what_it_brought_in_and_of_nothing_else()
    {
        using var file = new AskedFile { Cached = (16 * MiB, 24 * MiB) };
        var source = new ColdRead(file);
        byte[] block = new byte[MiB];
        for (long offset = 0; offset < 32 * MiB; offset += block.Length) Assert.Equal(block.Length, source.ReadFully(block, offset));
        source.LetGo();
        Assert.Equal([(0L, 8 * MiB), (8 * MiB, 16 * MiB), (24 * MiB, 32 * MiB)], file.Dropped.Select(d => (d.Offset, d.End)));
    }

    [Theory]
    [InlineData(300 << 10)]
    [InlineData((8 << 20) + (300 << 10))]
    public void What_is_in_memory_of_a_short_file_or_of_the_end_of_one_stays(long length)
    {
        using var file = new AskedFile { Length = length, Cached = (length - (300 << 10), length) };
        var source = new ColdRead(file);
        byte[] block = new byte[100 << 10];
        for (long offset = 0; offset < length; offset += block.Length) source.ReadFully(block, offset);
        source.LetGo();
        Assert.DoesNotContain(file.Dropped, d => d.End > length - (300 << 10));
    }

    [Fact]
    public void Where_the_system_does_not_say_what_it_has_nothing_is_let_go()
    {
        using var file = new AskedFile { Cached = null };
        var source = new ColdRead(file);
        byte[] block = new byte[MiB];
        for (long offset = 0; offset < 32 * MiB; offset += block.Length) source.ReadFully(block, offset);
        source.LetGo();
        Assert.Empty(file.Dropped);
    }

    [Fact]
    public void A_real_file_holds_the_same_after_its_pages_were_dropped()
    {
        using var folder = new TemporaryFolder();
        byte[] content = RandomNumberGenerator.GetBytes((4 << 20) + 123);
        using IStorageFile file = new DiskStorage().Open(Path.Combine(folder.Path, "file"), FileAccessKind.CreateNew);
        file.Write(content, 0);
        file.DropCache(0, content.Length); // not written out yet: stays
        file.Flush();
        file.DropCache(0, content.Length);
        Assert.True(file.CachedBytes(0, content.Length) is null or (>= 0 and <= 8 << 20));
        byte[] back = new byte[content.Length];
        Assert.Equal(content.Length, file.ReadFully(back, 0));
        Assert.Equal(content, back);
    }

    /// <summary>Endless zeros, and a note of all that was asked.</summary>
    private sealed class AskedFile : IStorageFile
    {
        public List<(long Offset, long End)> Begun { get; } = [];

        public List<(long Offset, long End, long BegunEnd)> Dropped { get; } = [];

        /// <summary>What was in the cache before; <see langword="null"/> where the system does not say.</summary>
        public (long Offset, long End)? Cached { get; init; } = (0, 0);

        public string Path => "file";

        public long Length { get; init; } = long.MaxValue;

        public int Read(Span<byte> buffer, long offset) => buffer.Length;

        public void Write(ReadOnlySpan<byte> buffer, long offset) => throw new NotSupportedException();

        public void Flush() => throw new NotSupportedException();

        public void SetLength(long length) => throw new NotSupportedException();

        public void BeginFlush(long offset, long length) => Begun.Add((offset, offset + length));

        public void DropCache(long offset, long length) => Dropped.Add((offset, offset + length, Begun.Count == 0 ? 0 : Begun[^1].End));

        public long? CachedBytes(long offset, long length) => Cached is { } c ? Math.Max(0, Math.Min(c.End, offset + length) - Math.Max(c.Offset, offset)) : null;

        public void Dispose()
        {
        }
    }
}
