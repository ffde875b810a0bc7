using System.Text;
using Amazon.Runtime;
using MessageStore.ObjectStorage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.ObjectStorage;

public sealed class ObjectCredentialsTests
{
    private static readonly string Path = System.IO.Path.GetFullPath("/etc/objects.credentials");

    private readonly MemoryStorage storage = new();

    [Fact]
    public void The_first_section_of_a_credentials_file_counts()
    {
        storage.Put(Path, Encoding.UTF8.GetBytes("# mine\n[mail]\naws_access_key_id = one\naws_secret_access_key=two=2\n\n[other]\naws_access_key_id = three\n"));
        Assert.Equal(("one", "two=2", ""), Of(ObjectCredentials.Load(Path, storage, _ => "never")));
    }

    [Fact]
    public void Without_a_file_the_environment_counts()
    {
        var environment = new Dictionary<string, string?> { ["AWS_ACCESS_KEY_ID"] = "one", ["AWS_SECRET_ACCESS_KEY"] = "two", ["AWS_SESSION_TOKEN"] = "three" };
        ObjectCredentials credentials = ObjectCredentials.Load(null, storage, environment.GetValueOrDefault);
        Assert.Equal(("one", "two", "three"), Of(credentials));
        Assert.DoesNotContain("two", credentials.ToString());
    }

    [Fact]
    public void What_is_missing_is_said_without_what_is_there()
    {
        var error = Assert.Throws<MessageStoreException>(() => ObjectCredentials.Load(null, storage, _ => null));
        Assert.Contains("AWS_SECRET_ACCESS_KEY", error.Message);
        Assert.Equal(ErrorIds.PathNotFound, Assert.Throws<MessageStoreException>(() => ObjectCredentials.Load(Path, storage, _ => null)).ErrorId);
        storage.Put(Path, "aws_secret_access_key = hidden\n"u8);
        error = Assert.Throws<MessageStoreException>(() => ObjectCredentials.Load(Path, storage, _ => null));
        Assert.Contains(Path, error.Message);
        Assert.DoesNotContain("hidden", error.ToString());
    }

    private static (string, string, string) Of(ObjectCredentials credentials)
    {
        ImmutableCredentials value = credentials.Value.GetCredentials();
        return (value.AccessKey, value.SecretKey, value.Token);
    }
}
