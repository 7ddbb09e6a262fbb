"""The sources of the claims, by the names under which the tables list them, in the order of the tables."""

PAPERS = "papers"
MCMENAMIN = "McMenamin"
KRISHNAN = "Krishnan"
MHMOODLAN = "mhmoodlan"
DL_WIZARD = "DL Wizard"
KERAS_READING = "Lau / IBM"

SOURCES = {
    PAPERS: "papers on schedules (CLR and SGDR 2017, one-cycle 2018, decay under noise 2019, budgeted training 2020, "
    "REX 2022, river valley 2024), on small tasks",
    MCMENAMIN: "Q-AGREL on digits, constant against “cyclical” (hebbnets, B. McMenamin, 2019)",
    KRISHNAN: "cyclical rates and the range test on an MNIST subset (B. Krishnan, 2020)",
    MHMOODLAN: "cyclic learning rate for TensorFlow (mhmoodlan, 2019)",
    DL_WIZARD: "step decay and reduce-on-plateau on MNIST (Deep Learning Wizard)",
    KERAS_READING: "four decays in Keras (IBM reading, after S. Lau, 2017)",
}
