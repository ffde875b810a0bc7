using System.Reflection;
using MessageStore.Remote;
using MessageStore.Server.Tests.Support;

namespace MessageStore.Server.Tests.Remote;

/// <summary>
/// Every member of <see cref="IMessageStore"/>, found by reflection, goes through the socket with all that its arguments, reports and results say. A member whose types do not
/// survive the way fails here, without anything being written for it.
/// </summary>
public sealed class EveryMemberTests(ScriptedHost server) : IClassFixture<ScriptedHost>
{
    private const int Reports = 3;
    private const int Items = 4;

    public static TheoryData<string, bool> Members
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (MethodInfo method in typeof(IMessageStore).GetMethods().Where(m => !m.IsSpecialName)) foreach (bool full in (bool[])[true, false]) data.Add(method.Name, full);
            return data;
        }
    }

    [Fact]
    public void The_path_is_the_only_property_and_names_are_unique()
    {
        Assert.Equal([nameof(IMessageStore.Path)], typeof(IMessageStore).GetProperties().Select(p => p.Name));
        string[] names = [.. typeof(IMessageStore).GetMethods().Select(m => m.Name)];
        Assert.Equal(names.Distinct(), names);
        Assert.Equal(names.Length - 1, StoreContract.Members.Count);
        Assert.True(names.Length >= 20);
    }

    [Theory]
    [MemberData(nameof(Members))]
    public async Task A_member_carries_its_arguments_reports_and_results(string name, bool full)
    {
        MethodInfo method = typeof(IMessageStore).GetMethod(name)!;
        ParameterInfo[] parameters = method.GetParameters();
        string received = "", reported = "";
        server.Act = (called, arguments) =>
        {
            Assert.Equal(name, called.Name);
            received = string.Join('\n', arguments.Zip(parameters, (a, p) => ProgressOf(p) is not null ? (a is null ? "no progress" : "progress") : Sample.Describe(a)));
            foreach ((object? argument, ParameterInfo parameter) in arguments.Zip(parameters))
                if (argument is not null && ProgressOf(parameter) is { } type)
                    for (int i = 0; i < Reports; i++) argument.GetType().GetMethod("Report", [type])!.Invoke(argument, [Sample.Make(type, full)]);
            return Result(method.ReturnType, full);
        };

        string sent = "", expectedReports = "";
        var values = new object?[parameters.Length];
        for (int i = 0; i < parameters.Length; i++)
        {
            Type type = parameters[i].ParameterType;
            if (ProgressOf(parameters[i]) is { } report)
            {
                values[i] = full ? Activator.CreateInstance(typeof(Collector<>).MakeGenericType(report), (Action<object>)(value => reported += Sample.Describe(value) + "\n")) : null;
                for (int n = 0; full && n < Reports; n++) expectedReports += Sample.Describe(Sample.Make(report, full)) + "\n";
                sent += full ? "progress" : "no progress";
            }
            else
            {
                values[i] = type == typeof(CancellationToken) ? CancellationToken.None : Sample.Make(type, full);
                sent += Sample.Describe(values[i]);
            }
            if (i < parameters.Length - 1) sent += "\n";
        }
        object? result = await TakeAsync(method, method.Invoke(server.Client, values)!);

        Assert.Equal(sent, received);
        Assert.Equal(expectedReports, reported);
        Assert.Equal(Sample.Describe(await TakeAsync(method, Result(method.ReturnType, full))), Sample.Describe(result));
    }

    private static Type? ProgressOf(ParameterInfo parameter) =>
        parameter.ParameterType is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(IProgress<>) ? type.GetGenericArguments()[0] : null;

    /// <summary>What a member returns, made of samples.</summary>
    private static object Result(Type type, bool full)
    {
        if (type == typeof(Task)) return Task.CompletedTask;
        Type result = type.GetGenericArguments()[0];
        string maker = type.GetGenericTypeDefinition() == typeof(Task<>) ? nameof(Done) : nameof(Sequence);
        return typeof(EveryMemberTests).GetMethod(maker, BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(result).Invoke(null, [full])!;
    }

    private static Task<T> Done<T>(bool full) => Task.FromResult((T)Sample.Make(typeof(T), full)!);

    private static async IAsyncEnumerable<T> Sequence<T>(bool full)
    {
        await Task.Yield();
        for (int i = 0; i < Items; i++) yield return (T)Sample.Make(typeof(T), full)!;
    }

    /// <summary>What comes of what a member returned: its result, its items, or the bytes of its stream.</summary>
    private static async Task<object?> TakeAsync(MethodInfo method, object returned)
    {
        if (method.ReturnType == typeof(Task))
        {
            await (Task)returned;
            return null;
        }
        MethodInfo taker = typeof(EveryMemberTests).GetMethod(returned is Task ? nameof(ResultAsync) : nameof(ItemsAsync), BindingFlags.NonPublic | BindingFlags.Static)!;
        return await (Task<object?>)taker.MakeGenericMethod(method.ReturnType.GetGenericArguments()[0]).Invoke(null, [returned])!;
    }

    private static async Task<object?> ResultAsync<T>(Task<T> task)
    {
        if (await task is not Stream stream) return await task;
        var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes);
        return bytes.ToArray();
    }

    private static async Task<object?> ItemsAsync<T>(IAsyncEnumerable<T> sequence)
    {
        var items = new List<object?>();
        await foreach (T item in sequence) items.Add(item);
        return items;
    }

    private sealed class Collector<T>(Action<object> collect) : IProgress<T>
    {
        public void Report(T value) => collect(value!);
    }
}
