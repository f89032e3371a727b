#include "host_fixture.h"

#include "deployers/unit_files.h"

namespace mlship {
namespace {

// Answers in the place of systemd's own programs.
class ScriptedProcess : public Process {
 public:
  std::function<ProcessResult(const ProcessRequest&)> answer;
  std::vector<std::vector<std::string>> asked;
  ProcessResult run(const ProcessRequest& request) override {
    asked.push_back(request.argv);
    if (!answer) throw Error(ErrorCode::not_found, "not installed");
    return answer(request);
  }
};

class SystemdTarget : public HostTest {
 protected:
  std::unique_ptr<Target> units(Values more = {}) {
    more.try_emplace("trust-pins", true);
    TargetSection section;
    section.name = "edge";
    section.kind = "systemd";
    section.values = std::move(more);
    section.values["files"] = std::vector<std::string>{
        "etc/systemd/system/*", "etc/systemd/system/*.d/*.conf", "etc/containers/systemd/*", "etc/default/*"};
    section.values["install-root"] = root() + "/opt";
    project_.folder = folder_.path();
    return make_target(section, project_, scripted_host_);
  }
  // Over these files alone.
  std::unique_ptr<Target> make(std::vector<std::string> files) {
    TargetSection section;
    section.name = "edge";
    section.kind = "systemd";
    section.values = {{"files", std::move(files)}, {"install-root", root() + "/opt"}, {"trust-pins", true}};
    project_.folder = folder_.path();
    return make_target(section, project_, scripted_host_);
  }
  void unit(const std::string& name, const std::string& text) const {
    put("etc/systemd/system/" + name, text);
  }
  [[nodiscard]] std::string service(const std::string& version) const {
    return "[Service]\n# churn==1.0.0\nExecStart=-" + root() + "/opt/churn/" + version + "/bin/score %i\n";
  }
  // "name kind class schedule" of every object, one per line.
  static std::string found(Target& target) {
    static const std::vector<std::string> classes = {"job", "service", "both"};
    std::string out;
    for (const auto& object : target.discover(Scheme::pep440).objects) {
      out += object.info.name + " " + object.info.kind + " " +
             classes.at(static_cast<size_t>(object.info.cls)) + " " + object.info.schedule + "\n";
    }
    return out;
  }

  ScriptedProcess systemd_;
  Host scripted_host_{env_, *clock_, http_, systemd_};
};

TEST_F(SystemdTarget, AnImageWithoutAVersionIsSeen) {
  put("etc/containers/systemd/web.container", "[Container]\nImage=host/ml/churn\nExec=host/ml/other\n");
  put("etc/containers/systemd/own.container", "[Container]\nImage=churn.build\n");
  const auto objects = units()->discover(Scheme::pep440).objects;
  ASSERT_EQ(objects.size(), 1U);
  ASSERT_EQ(objects[0].references.size(), 1U);
  EXPECT_EQ(objects[0].references[0].text, "host/ml/churn");
  EXPECT_FALSE(objects[0].references[0].reference.version);
}

TEST_F(SystemdTarget, TimersAndWhatTheyStartAreJobs) {
  unit("nightly.service", service("1.3.0"));
  unit("nightly.timer",
       "[Timer]\nOnCalendar=weekly\nOnCalendar=\nOnCalendar=*-*-* 02:00:00\nOnBootSec=5min\n");
  unit("api.service", service("1.3.0"));
  unit("each@.service", service("1.3.0"));
  unit("other.timer", "[Timer]\nUnit=each@a.service\nOnUnitActiveSec=1h\n");
  unit("other.timer.d/more.conf", "[Timer]\nOnCalendar=daily\n");
  unit("note.timer", "[Unit]\nDescription=churn==1.3.0\n[Timer]\nOnCalendar=hourly\n");
  put("lib/systemd/system/vendor.timer", "[Timer]\nOnCalendar=monthly\n");
  unit("vendor.service.d/ours.conf", "[Service]\nEnvironment=P=churn==1.3.0\n");
  put("etc/containers/systemd/web.container", "[Container]\nImage=host/ml/churn:1.3.0\n");
  put("etc/containers/systemd/batch.container", "[Container]\nImage=host/ml/churn:1.3.0\n");
  unit("batch.timer", "[Timer]\nOnCalendar=minutely\n");
  EXPECT_EQ(found(*units()),
            "batch.container quadlet-container job minutely\n"
            "web.container quadlet-container service \n"
            "api.service systemd-service service \n"
            "each@.service systemd-service job OnUnitActiveSec=1h; daily\n"
            "nightly.service systemd-service job *-*-* 02:00:00; OnBootSec=5min\n"
            "note.timer systemd-timer job hourly\n"
            "ours.conf systemd-drop-in job monthly\n");
}

// What any user of the host can write into a unit must not end the run of everybody.
TEST_F(SystemdTarget, NamesThatAreNoUnitsStartNothing) {
  unit("nightly.service", service("1.3.0"));
  unit("nightly.timer", "[Timer]\nOnCalendar=daily\n");
  std::filesystem::create_symlink("/dev/null", at("etc/systemd/system/masked.service"));
  unit("masked.timer", "[Timer]\nOnCalendar=daily\n");
  unit("odd.timer", "[Timer]\nUnit=noending\nOnCalendar=daily\n");
  unit("long.timer", "[Timer]\nUnit=" + std::string(300, 'a') + ".service\nOnCalendar=daily\n");
  unit("slash.timer", "[Timer]\nUnit=../x\nOnCalendar=daily\n");
  unit("grow@.service", "[Unit]\nWants=grow@%i-x.service\n[Service]\nExecStart=/bin/true\n");
  unit("grow.timer", "[Timer]\nUnit=grow@a.service\nOnCalendar=daily\n");
  EXPECT_EQ(found(*make({"etc/systemd/system/nightly.service"})),
            "nightly.service systemd-service job daily\n");
}

// systemd.unit(5): Wants= and its like, the folders of that name, and what becomes of a unit.
TEST_F(SystemdTarget, WhatStartsWithAJobIsAJob) {
  unit("batch.timer", "[Timer]\nOnCalendar=daily\nUnit=batch.target\n");
  unit("batch.target",
       "[Unit]\nWants=wanted.service \"quoted.service\" not-a-unit ../x\nRequires=required.service\n"
       "After=after.service\nConflicts=conflicting.service\nRequisite=requisite.service\n"
       "BindsTo=each@%p.service\n");
  unit("batch.target.d/more.conf", "[Unit]\nWants=by-drop-in.service\n");
  unit("wanted.service", "[Unit]\nUpholds=upheld.service\n" + service("1.3.0"));
  unit("upheld.service",
       "[Unit]\nWants=wanted.service batch.target\nOnFailure=alarm@%n.service\n" + service("1.3.0"));
  unit("required.service", "[Unit]\nOnSuccess=done.service\n" + service("1.3.0"));
  for (const std::string name :
       {"quoted", "after", "conflicting", "requisite", "each@", "by-drop-in", "alarm@", "done", "linked",
        "strict", "masked", "instance@", "watched", "listened"})
    unit(name + ".service", service("1.3.0"));
  fs::make_folders(at("etc/systemd/system/batch.target.wants"));
  fs::make_folders(at("lib/systemd/system/batch.target.requires"));
  fs::make_folders(at("etc/systemd/system/each@.service.upholds"));
  std::filesystem::create_symlink("../linked.service",
                                  at("etc/systemd/system/batch.target.wants/linked.service"));
  std::filesystem::create_symlink("/dev/null", at("etc/systemd/system/batch.target.wants/masked.service"));
  std::filesystem::create_symlink("/etc/systemd/system/strict.service",
                                  at("lib/systemd/system/batch.target.requires/strict.service"));
  std::filesystem::create_symlink("../instance@.service",
                                  at("etc/systemd/system/each@.service.upholds/instance@.service"));
  // No schedule: what a path or socket starts.
  unit("watched.path", "[Path]\nPathChanged=/srv\n");
  unit("listened.socket", "[Socket]\nListenStream=80\n");
  std::string jobs, services;
  for (const auto& object : make({"etc/systemd/system/*.service"})->discover(Scheme::pep440).objects) {
    const bool job = object.info.cls == ObjectClass::job && object.info.schedule == "daily";
    (job ? jobs : services) += Path(object.info.name).stem().string() + " ";
  }
  EXPECT_EQ(jobs, "alarm@ by-drop-in done each@ instance@ linked quoted required strict upheld wanted ");
  EXPECT_EQ(services, "after conflicting listened masked requisite watched ");
}

TEST_F(SystemdTarget, WhatStartsWithAJobAndAtBootIsBoth) {
  unit("batch.timer", "[Timer]\nOnCalendar=daily\n");
  unit("batch.service", "[Unit]\nRequires=model.service store.service own.service\n" + service("1.3.0"));
  unit("model.service", "[Unit]\nWants=cache.service\n" + service("1.3.0"));
  for (const std::string name : {"cache", "store", "own"}) unit(name + ".service", service("1.3.0"));
  unit("front.service", "[Unit]\nWants=store.service\n" + service("1.3.0"));
  fs::make_folders(at("etc/systemd/system/multi-user.target.wants"));
  for (const std::string name : {"model", "front", "batch"})
    std::filesystem::create_symlink("../" + name + ".service",
                                    at("etc/systemd/system/multi-user.target.wants/" + name + ".service"));
  EXPECT_EQ(found(*make({"etc/systemd/system/*.service"})),
            "batch.service systemd-service job daily\n"
            "cache.service systemd-service both daily\n"
            "front.service systemd-service service \n"
            "model.service systemd-service both daily\n"
            "own.service systemd-service job daily\n"
            "store.service systemd-service both daily\n");
}

TEST_F(SystemdTarget, WhatSystemdDoesNotReadIsListed) {
  unit("score.service.bak", service("1.3.0"));
  unit("score.service.disabled", service("1.3.0"));
  unit("README", "see churn==1.3.0\n");
  unit("note.txt", "nothing\n");
  put("etc/systemd/system/binary.old", std::string("churn==1.3.0\0", 13));
  const auto found = units()->discover(Scheme::pep440);
  EXPECT_TRUE(found.objects.empty() && found.skipped.empty());
  ASSERT_EQ(found.idle.size(), 3U);
  for (const auto& object : found.idle) {
    EXPECT_EQ(object.info.cls, ObjectClass::both);
    EXPECT_EQ(object.references.at(0).reference.opaque, "systemd does not read a file of this name there");
  }
}

TEST_F(SystemdTarget, WhatIsLeftToTheShellIsListed) {
  for (const std::string version : {"$${V:-1.2.0}", "$$V", "1.$$MINOR.0"}) {
    unit("a.service", "[Service]\nExecStart=/bin/sh -c 'pip install churn==" + version + "'\n");
    const auto objects = units()->discover(Scheme::pep440).objects;
    ASSERT_EQ(objects.size(), 1U) << version;
    EXPECT_NE(objects[0].references.at(0).reference.opaque, "") << version;
    EXPECT_TRUE(plan(*units(), release("1.4.0")).empty());
  }
}

TEST_F(SystemdTarget, QuadletFilesStartWhatTheyName) {
  const std::string image = "Image=host/ml/churn:1.3.0\n";
  put("etc/containers/systemd/score.container",
      "[Unit]\nWants=side.container\n[Container]\n" + image +
          "Pod=farm.pod\nVolume=data.volume:/data:ro\n"
          "Network=net.network:ip=10.0.0.2\nMount=type=volume,source=more.volume,destination=/more\n");
  put("etc/containers/systemd/side.container", "[Container]\n" + image + "[Service]\n");
  put("etc/containers/systemd/other.container", "[Container]\n" + image);
  put("etc/containers/systemd/farm.pod", "[Pod]\nPodName=churn==1.3.0\n");
  put("etc/containers/systemd/data.volume", "[Volume]\nVolumeName=churn==1.3.0\nServiceName=disk\n");
  put("etc/containers/systemd/more.volume", "[Volume]\nVolumeName=churn==1.3.0\n");
  put("etc/containers/systemd/net.network", "[Network]\nNetworkName=churn==1.3.0\n");
  put("etc/containers/systemd/idle.network", "[Network]\nNetworkName=churn==1.3.0\n");
  unit("score.timer", "[Timer]\nOnCalendar=weekly\n");
  EXPECT_EQ(found(*make({"etc/containers/systemd/*"})),
            "data.volume quadlet-unit job weekly\n"
            "farm.pod quadlet-unit job weekly\n"
            "idle.network quadlet-unit service \n"
            "more.volume quadlet-unit job weekly\n"
            "net.network quadlet-unit job weekly\n"
            "other.container quadlet-container service \n"
            "score.container quadlet-container job weekly\n"
            "side.container quadlet-container job weekly\n");
}

TEST_F(SystemdTarget, AnEnvironmentFileIsOfTheClassOfItsReaders) {
  unit("nightly.service", "[Service]\nExecStart=/bin/run\nEnvironmentFile=-" + root() +
                              "/etc/default/nightly\n"
                              "EnvironmentFile=" +
                              root() + "/etc/default/shared\n");
  unit("nightly.timer", "[Timer]\nOnCalendar=hourly\n");
  unit("api.service", "[Service]\nEnvironmentFile=/reset\nEnvironmentFile=\nEnvironmentFile=" + root() +
                          "/etc/default/shared\nEnvironmentFile=" + root() + "/etc/default/%N.env\n");
  for (const std::string name : {"nightly", "shared", "api.env", "unread"}) {
    put("etc/default/" + name, "# churn==1.0.0\n; churn==1.0.1\nPIN=\"churn==1.3.0\" \\\n  more\n");
  }
  const auto target = units();
  EXPECT_EQ(found(*target),
            "api.env systemd-environment service \n"
            "nightly systemd-environment job hourly\n"
            "shared systemd-environment both hourly\n"
            "unread systemd-environment both \n");
  const auto operations = plan(*target, release("1.4.0"));
  ASSERT_EQ(operations.size(), 4U);
  const auto applied = target->apply(operations[1], "r1.op-2");
  EXPECT_EQ(word(applied.kind), "written");
  EXPECT_EQ(applied.pending, "") << "systemd reads it when the unit starts";
  EXPECT_EQ(target->pending(operations[1], 0), "");
  EXPECT_EQ(text("etc/default/nightly"), "# churn==1.0.0\n; churn==1.0.1\nPIN=\"churn==1.4.0\" \\\n  more\n");
}

TEST_F(SystemdTarget, ADropInOfSeveralUnitsIsAJobWhenATimerStartsOneOfThem) {
  const std::string path = "[Service]\nEnvironment=P=churn==1.3.0\n";
  unit("a-b-nightly.service", "[Service]\nExecStart=/bin/true\n");
  unit("a-b-nightly.timer", "[Timer]\nOnCalendar=daily\n");
  for (const std::string drop_in :
       {"service", "a-.service", "a-b-.service", "b-.service", "socket", "a-b-nightly@.service"})
    unit(drop_in + ".d/x-" + drop_in + ".conf", path);
  put("etc/containers/systemd/web-one.container", "[Container]\nImage=x:1\n");
  unit("web-one.timer", "[Timer]\nOnCalendar=weekly\n");
  for (const std::string drop_in : {"container", "web-.container", "other-.container", "pod"})
    put("etc/containers/systemd/" + drop_in + ".d/q-" + drop_in + ".conf",
        "[Container]\nVolume=P=churn==1.3.0\n");
  const auto target = make({"etc/systemd/system/*.d/*.conf", "etc/containers/systemd/*.d/*.conf"});
  EXPECT_EQ(found(*target),
            "q-container.conf systemd-drop-in job weekly\n"
            "q-other-.container.conf systemd-drop-in service \n"
            "q-pod.conf systemd-drop-in service \n"
            "q-web-.container.conf systemd-drop-in job weekly\n"
            "x-a-.service.conf systemd-drop-in job daily\n"
            "x-a-b-.service.conf systemd-drop-in job daily\n"
            "x-a-b-nightly@.service.conf systemd-drop-in service \n"
            "x-b-.service.conf systemd-drop-in service \n"
            "x-service.conf systemd-drop-in job daily\n"
            "x-socket.conf systemd-drop-in service \n");
}

TEST_F(SystemdTarget, WhatATimerStartsUnderAnotherNameIsAJob) {
  // By a link: Alias=, `systemctl link`, an instance that is a link to the template.
  unit("real.service", service("1.3.0"));
  std::filesystem::create_symlink("real.service", at("etc/systemd/system/alias.service"));
  unit("alias.timer", "[Timer]\nOnCalendar=daily\n");
  put("srv/units/linked.service", service("1.3.0"));
  std::filesystem::create_symlink(at("srv/units/linked.service"), at("etc/systemd/system/linked.service"));
  unit("linked.timer", "[Timer]\nOnCalendar=weekly\n");
  unit("each@.service", service("1.3.0"));
  std::filesystem::create_symlink("each@.service", at("etc/systemd/system/one@x.service"));
  unit("one.timer", "[Timer]\nUnit=one@x.service\nOnCalendar=monthly\n");
  // By a specifier.
  unit("a-b.timer", "[Timer]\nUnit=%p-job.service\nOnCalendar=hourly\n");
  unit("a-b-job.service", service("1.3.0"));
  unit("run@.timer", "[Timer]\nUnit=%j-%i-x@%i.service\nOnBootSec=1\n");
  unit("run--x@.service", service("1.3.0"));
  unit("late@night.timer.d/x.conf", "[Timer]\nOnCalendar=03:00\n");
  unit("late@.timer", "[Timer]\nUnit=%N.service\n");
  unit("late@.service", service("1.3.0"));
  unit("never.service", service("1.3.0"));
  EXPECT_EQ(found(*make({"etc/systemd/system/*.service", "srv/units/*"})),
            "a-b-job.service systemd-service job hourly\n"
            "each@.service systemd-service job monthly\n"
            "late@.service systemd-service job 03:00\n"
            "never.service systemd-service service \n"
            "real.service systemd-service job daily\n"
            "run--x@.service systemd-service job OnBootSec=1\n"
            "linked.service systemd-service job weekly\n");
}

TEST_F(SystemdTarget, AQuadletFileMakesTheServiceThatItNames) {
  const std::string volume = "Volume=" + root() + "/opt/churn/1.3.0:/app\n";
  put("etc/containers/systemd/a.container", "[Container]\nServiceName=score\n" + volume);
  put("etc/containers/systemd/b.container", "[Container]\n" + volume);
  put("etc/containers/systemd/b.container.d/x.conf", "[Container]\nServiceName=batch\n");
  put("etc/containers/systemd/c.kube",
      "[Kube]\nServiceName=%p-kube\nYaml=" + root() + "/opt/churn/1.3.0/x\n");
  put("etc/containers/systemd/team/d.container", "[Container]\n" + volume);
  put("etc/containers/systemd/e.container", "[Container]\nServiceName=elsewhere\n" + volume);
  for (const std::string timer : {"score", "batch", "c-kube", "d", "e"})
    unit(timer + ".timer", "[Timer]\nOnCalendar=daily\n");
  EXPECT_EQ(found(*make({"etc/containers/systemd/**"})),
            "a.container quadlet-container job daily\n"
            "b.container quadlet-container job daily\n"
            "c.kube quadlet-unit job daily\n"
            "e.container quadlet-container service \n"
            "d.container quadlet-container job daily\n");
}

TEST_F(SystemdTarget, AFileNamedInFullOrByAUnitIsReadWhateverItIsCalled) {
  const std::string variable = "APP=" + root() + "/opt/churn/1.3.0\n";
  unit("nightly.service", "[Service]\nEnvironmentFile=-" + root() + "/etc/conf.d/nightly\nEnvironmentFile=" +
                              root() + "/srv/%i/settings\nExecStart=/bin/true\n");
  for (const std::string file : {"etc/conf.d/nightly", "srv/a/settings", "srv/a/other", "srv/b.conf"})
    put(file, variable);
  put("srv/wrapper", "#!/bin/sh\nif true; then\n  " + root() + "/opt/churn/1.3.0/bin/score\nfi\n");
  EXPECT_EQ(found(*make({"etc/systemd/system/*", "etc/conf.d/*", "srv/a/*"})),
            "nightly systemd-environment service \nsettings systemd-environment service \n");
  EXPECT_EQ(found(*make({"srv/a/other", "srv/b.conf", "srv/wrapper"})),
            "other systemd-environment both \nb.conf systemd-environment both \nwrapper file both \n");
}

TEST_F(SystemdTarget, OnlyTheSpanChangesAndTheResultIsPending) {
  unit("nightly.service", "\xef\xbb\xbf" + service("1.3.0") + "\r\n; \xff\n");
  const auto target = units();
  const auto operations = plan(*target, release("1.4.0"));
  ASSERT_EQ(operations.size(), 1U);
  const auto applied = target->apply(operations[0], "r1.op-1");
  EXPECT_EQ(word(applied.kind), "written");
  EXPECT_EQ(applied.pending, "daemon-reload");
  EXPECT_EQ(text("etc/systemd/system/nightly.service"), "\xef\xbb\xbf" + service("1.4.0") + "\r\n; \xff\n");
  EXPECT_EQ(word(target->apply(operations[0], "r1.op-1").kind), "already");
}

TEST_F(SystemdTarget, WhatSystemdDoesNotReadIsNoObject) {
  unit("nightly.service", service("1.3.0"));
  unit("nightly.service.bak", service("1.3.0"));
  unit("README", service("1.3.0"));
  unit(".nightly.service.mlship-x", service("1.3.0"));
  unit("loose.conf", service("1.3.0"));
  std::filesystem::create_symlink("/dev/null", at("etc/systemd/system/masked.service"));
  std::filesystem::create_symlink("nightly.service", at("etc/systemd/system/alias.service"));
  const auto target = units();
  EXPECT_EQ(target->discover(Scheme::pep440).objects.size(), 1U);
  EXPECT_TRUE(target->discover(Scheme::pep440).skipped.empty());
}

TEST_F(SystemdTarget, AUnitThatVerifiedAndWouldNotAnyMoreIsRefused) {
  unit("nightly.service", service("1.3.0"));
  const auto target = units();
  const auto operations = plan(*target, release("1.4.0"));
  systemd_.answer = [](const ProcessRequest& request) {
    EXPECT_EQ(request.argv[0] + " " + request.argv[1], "systemd-analyze verify");
    const std::string text = fs::read_file(request.argv.back());
    const bool bad = text.find("1.4.0") != std::string::npos;
    return ProcessResult{bad ? 1 : 0, "",
                         "noise\n" + std::string(bad ? request.argv.back() + ": no such command\n" : "")};
  };
  const auto applied = target->apply(operations[0], "r1.op-1");
  EXPECT_EQ(word(applied.kind), "refused");
  EXPECT_EQ(applied.detail, "systemd-analyze verify: nightly.service: no such command");
  EXPECT_EQ(text("etc/systemd/system/nightly.service"), service("1.3.0"));
  // What did not verify before either is no reason.
  systemd_.answer = [](const ProcessRequest&) { return ProcessResult{1, "", "bad\n"}; };
  EXPECT_EQ(word(target->apply(operations[0], "r1.op-1").kind), "written");
}

TEST_F(SystemdTarget, ADropInIsVerifiedWithItsUnitAndNeighbours) {
  put("usr/lib/systemd/system/vendor.service", "[Service]\nExecStart=/bin/true\n");
  unit("vendor.service.d/ours.conf", "[Service]\nEnvironment=P=churn==1.3.0\n");
  unit("vendor.service.d/zz.conf", "[Service]\nNice=5\n");
  unit("needed.target", "[Unit]\n");
  const auto target = units();
  const auto operations = plan(*target, release("1.4.0"));
  ASSERT_EQ(operations.size(), 1U);
  std::string seen;
  systemd_.answer = [&](const ProcessRequest& request) {
    const Path main = request.argv.back();
    for (const auto& file : fs::walk(main.parent_path())) seen += file.string() + " ";
    seen += main.filename().string() + " " + fs::read_file(main.parent_path() / "vendor.service.d/ours.conf");
    return ProcessResult{0, "", ""};
  };
  EXPECT_EQ(word(target->apply(operations[0], "r1.op-1").kind), "written");
  EXPECT_EQ(seen,
            "needed.target vendor.service vendor.service.d/ours.conf vendor.service.d/zz.conf vendor.service "
            "[Service]\nEnvironment=P=churn==1.4.0\n");
}

TEST_F(SystemdTarget, PendingIsWhatTheManagerSaysOfThisVeryFile) {
  unit("nightly.service", service("1.3.0"));
  const auto target = units();
  const auto operations = plan(*target, release("1.4.0"));
  ASSERT_EQ(apply_all(*target, operations), "written");
  const std::string file = at("etc/systemd/system/nightly.service").string();
  const auto pending = [&](int exit, const std::string& out) {
    systemd_.answer = [=](const ProcessRequest&) { return ProcessResult{exit, out, ""}; };
    return target->pending(operations[0], 0);
  };
  EXPECT_EQ(pending(0, "NeedDaemonReload=yes\nFragmentPath=" + file + "\n"), "daemon-reload");
  EXPECT_EQ(pending(0, "FragmentPath=" + file + "\nNeedDaemonReload=no\n"), "");
  EXPECT_EQ(pending(0, "FragmentPath=/x\nDropInPaths=/y " + file + "\nNeedDaemonReload=no\n"), "");
  EXPECT_EQ(systemd_.asked.back().back(), "nightly.service");
  // It reads another file, has not been booted, or is not installed: the ledger's word stands.
  EXPECT_EQ(pending(0, "FragmentPath=/etc/other.service\nNeedDaemonReload=no\n"), "daemon-reload");
  EXPECT_EQ(pending(1, ""), "daemon-reload");
  systemd_.answer = nullptr;
  EXPECT_EQ(target->pending(operations[0], 0), "daemon-reload");
}

TEST_F(SystemdTarget, ATemplateWaitsWhenOneOfItsInstancesDoes) {
  const std::string file = at("etc/systemd/system/each@.service").string();
  systemd_.answer = [&](const ProcessRequest&) {
    return ProcessResult{
        0,
        "FragmentPath=" + file + "\nNeedDaemonReload=no\n\nFragmentPath=" + file + "\nNeedDaemonReload=yes\n",
        ""};
  };
  EXPECT_EQ(needs_reload(systemd_, file), true);
  EXPECT_EQ(systemd_.asked.back().back(), "each@*.service");
}

TEST(UnitFiles, NamesOfQuadletServicesAndUserManagers) {
  EXPECT_EQ(unit_file("/etc/containers/systemd/a.container")->unit, "a.service");
  EXPECT_EQ(unit_file("/etc/containers/systemd/a.pod.d/x.conf")->unit, "a-pod.service");
  EXPECT_EQ(unit_file("/etc/systemd/system/a.service.d/x.conf")->source, "a.service");
  EXPECT_FALSE(unit_file("/etc/x.conf"));
  EXPECT_FALSE(unit_file("/etc/.service"));
  EXPECT_TRUE(unit_file("/home/u/.config/systemd/user/a.service")->user());
  EXPECT_FALSE(unit_file("/etc/systemd/system/a.service")->user());
}

}  // namespace
}  // namespace mlship
