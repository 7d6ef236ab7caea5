"""Every rule of the doctor, declared once.

The Doctor page, `bntui doctor --explain`, the table in README.md beside this file, JSON and SARIF
read this catalogue. `owner/repo#number` is a public issue or pull request on GitHub.
"""

from bntui.doctor.finding import Rule

FEW_EMPTY = 0.01
"""Share of a layer's channels without variance that wide, healthy networks end up with."""

_BATCHNORM = "docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html"

_STATISTICS = (
    Rule(
        id="nonfinite-buffers",
        severity="error",
        certainty="certain",
        title="NaN or infinity in the running statistics",
        measures="channels whose running_mean or running_var is NaN or infinite",
        threshold="More than 0: no later batch can repair an average that holds NaN.",
        symptom="In eval mode every output is NaN, or a channel is constant. "
        "Training looks normal, because it uses the batch's statistics.",
        cause="One batch with NaN or infinity in it passed forward in train mode, or a variance "
        "exceeded 65504 in float16. Skipping the optimizer step does not undo the update.",
        fix="Check the batch before the forward pass, then call reset_running_stats() and "
        "recompute the statistics with torch.optim.swa_utils.update_bn.",
        legal="Never.",
        source="pytorch/pytorch#1206, pytorch/pytorch#90342, apple/coreai-torch#54",
        fact="nonfinite",
        limit=0,
    ),
    Rule(
        id="low-precision-stats",
        severity="warning",
        certainty="certain",
        title="Running statistics in half precision",
        measures="the type of running_mean and running_var",
        threshold="float16 or bfloat16: float16 overflows beyond 65504, and an update smaller than "
        "1/2048 (bfloat16: 1/256) of the value is lost in rounding. Info in a checkpoint whose "
        "gammas are of that type, too.",
        symptom="Running statistics stop short of the batch's, or become infinite.",
        cause="model.half() or model.to(torch.bfloat16) also converted the buffers.",
        fix="Keep BatchNorm in float32: use torch.autocast for mixed precision, or call .float() "
        "on the BatchNorm layers after converting the model.",
        legal="A model that is only evaluated and whose variances fit the type.",
        source="NVIDIA/apex#144, apple/coreai-torch#54",
    ),
    Rule(
        id="never-updated",
        severity="error",
        certainty="certain",
        title="Running statistics were never updated",
        measures="passes in eval mode with running_mean exactly 0 and running_var exactly 1, "
        "beside weights that have been trained",
        threshold="More than 0: trained networks do not have such statistics by chance.",
        symptom="The model is good in train mode and much worse in eval mode, often near chance.",
        cause="The copy that is evaluated got the parameters but not the buffers: an average over "
        "parameters(), functional_call with buffers of its own, or a partial load.",
        fix="Copy buffers() along with parameters(), for an average with "
        "AveragedModel(use_buffers=True), or run torch.optim.swa_utils.update_bn.",
        legal="An evaluation before the first training step.",
        source="CuriousAI/mean-teacher#9, pytorch/ignite#2590, lucidrains/ema-pytorch#8, "
        "facebookresearch/higher#55",
        fact="eval_initial",
        limit=0,
    ),
    Rule(
        id="ema-lag",
        severity="warning",
        certainty="evidence",
        title="Running statistics lag behind the batches",
        measures="the weight that the initial 0 and 1 still have in the running statistics, and "
        "their distance from the statistics of recent batches, from 60 updates on",
        threshold="A weight above 5 %, means 0.5 sd and 4 times chance apart, or variances a "
        "factor of 3. Chance: sqrt((1 / b + m / (2 - m)) / n) sd, momentum m, b batches of n. "
        "momentum=None: 4 times chance, or 1.25, and inputs in eval mode that do not fit.",
        symptom="Eval mode is worse than train mode and slowly improves as training goes on.",
        cause="The momentum is too small for the number of steps, or the weights change faster "
        "than the average follows; with momentum=None it never lets go of the first batches.",
        fix="Train longer, raise the momentum, or recompute the statistics before evaluating with "
        "torch.optim.swa_utils.update_bn.",
        legal="The first steps of a run; it resolves itself once the average has caught up.",
        source="pytorch/pytorch#3869, keras-team/keras#7265, pytorch/pytorch#4741",
        fact="initial_weight",
        limit=0.05,
    ),
    Rule(
        id="stale-stats",
        severity="error",
        certainty="evidence",
        title="Running statistics of other weights",
        measures="the change of the weights by something other than the optimizer since the last "
        "update of the buffers, and the input's statistics in eval mode against the buffers",
        threshold="A relative change of the weights above 1 %, and inputs 0.4 sd or a factor of "
        "1.5 in variance off. Info nearer, for an AveragedModel without its buffers, and where the "
        "first layer of a model that never trained is half as far off: as data differ.",
        symptom="Averaged, pruned, merged or loaded weights are worse in eval mode than either "
        "of the networks they were made from.",
        cause="Weights were averaged, swapped, pruned or loaded, and the running statistics still "
        "describe the network before.",
        fix="Run torch.optim.swa_utils.update_bn(loader, model) after changing the weights.",
        legal="Loading weights and buffers together; an average whose loss in eval mode is good.",
        source="mosaicml/composer#624, DeNA/HandyRL#299, openvinotoolkit/nncf#41, "
        "mit-han-lab/once-for-all#15, qualcomm/aimet#1237",
        fact="changed_outside",
        limit=0.01,
    ),
    Rule(
        id="zero-variance",
        severity="warning",
        certainty="certain",
        title="Channels of almost no variance",
        measures="channels whose running_var is below 1e-7",
        threshold="Below 1e-7, 1 % of the default eps: eps alone decides the scale, and the layer "
        "multiplies any deviation by about 300. Info where a larger eps keeps it below 100, and "
        "for at most 1 % of the channels, as training leaves them in wide networks.",
        symptom="An input that is unlike the training data produces huge activations.",
        cause="A feature that is constant in the training data, or a dead channel.",
        fix="Remove the constant feature, or find why the channel is dead; a larger eps limits the "
        "gain.",
        legal="A channel whose gamma is 0 too, or whose input can never change.",
        source="Cadene/pretrained-models.pytorch#99, pytorch/pytorch#5410",
        fact="no_variance",
        limit=0,
    ),
)

_MOMENTUM = (
    Rule(
        id="momentum-inverted",
        severity="warning",
        certainty="certain",
        title="Momentum in TensorFlow's convention",
        measures="the layer's momentum while it trains",
        threshold="At least 0.5: half or more of the running statistics is the last batch's.",
        symptom="Results in eval mode vary widely from one evaluation to the next.",
        cause="In torch, momentum is the weight of the new batch; TensorFlow's 0.99 is torch's "
        "0.01.",
        fix="Use 1 - momentum: 0.1 for TensorFlow's 0.9, 0.01 for 0.99.",
        legal="A single pass to set the statistics from one batch, with momentum=1.",
        source="pytorch/vision#8250, r9y9/tacotron_pytorch#19, ludwig-ai/ludwig#2100, "
        "fastestimator/fastestimator#1201",
        fact="momentum",
        limit=0.5,
    ),
    Rule(
        id="momentum-zero",
        severity="error",
        certainty="certain",
        title="Momentum 0",
        measures="the layer's momentum while it trains",
        threshold="Exactly 0: the running statistics never change.",
        symptom="Train mode is good; eval mode stays as bad as at the start.",
        cause="A value taken over from a converted model, or 0 meant as no momentum.",
        fix="Use momentum=0.1, or momentum=None for a plain average over all batches.",
        legal="Statistics that are frozen on purpose; calling eval() on the layer says so clearly.",
        source="Cadene/pretrained-models.pytorch#5",
        fact="momentum",
        limit=0,
    ),
    Rule(
        id="momentum-changed",
        severity="info",
        certainty="certain",
        title="Momentum changed during the run",
        measures="the layer's momentum at each step",
        threshold="Any change after the first update.",
        symptom="The running statistics become noisier or slower from one step on.",
        cause="A schedule, a callback or a restored setting changed it.",
        fix="Nothing, if it was intended; otherwise set the momentum once, before training.",
        legal="A BN momentum schedule, as PointNet uses.",
        source="charlesq34/pointnet, train.py (get_bn_decay)",
        fact="momentum",
    ),
)

_MODES = (
    Rule(
        id="no-running-stats",
        severity="warning",
        certainty="certain",
        title="Batch statistics in eval mode",
        measures="passes in eval mode of a layer with track_running_stats=False",
        threshold="More than 0.",
        symptom="The output for an example depends on the rest of its batch; a single example "
        "fails or is meaningless.",
        cause="Without running statistics, eval() changes nothing in this layer.",
        fix="Use track_running_stats=True, or InstanceNorm or GroupNorm where batches should not "
        "matter.",
        legal="A model that is only ever evaluated on large mixed batches.",
        source="pytorch/pytorch#156051, keras-team/keras#3078, keras-team/keras#3085",
        fact="untracked",
        limit=0,
    ),
    Rule(
        id="update-without-step",
        severity="warning",
        certainty="evidence",
        title="Updated without training",
        measures="forward passes in train mode that no backward pass follows; "
        "recalibration after reset_running_stats() is left out",
        threshold="At least 2, so that one probe or a warm-up pass does not count; passes in most "
        "steps count only if their inputs differ from those trained on. Only info where each is "
        "alone between two steps and its inputs are alike (0.5 sd, a factor of 3).",
        symptom="Validation data leaks into the model; eval mode gets worse after each validation.",
        cause="A validation, a prediction or a teacher runs under no_grad() but in train mode: "
        "no_grad() does not stop the update.",
        fix="Call model.eval() before the pass, and model.train() after it.",
        legal="Recomputing the statistics (PreciseBN, AdaBN) on purpose.",
        source="icon-lab/SynDiff#46, princeton-vl/pytorch_stacked_hourglass#44, "
        "nshaud/DeepHyperX#51, weecology/DeepForest#477",
        fact="unfollowed",
        limit=1,
    ),
    Rule(
        id="buffers-move-in-eval",
        severity="error",
        certainty="certain",
        title="Updated while the model is in eval mode",
        measures="passes of the layer in train mode while the root module is in eval mode",
        threshold="More than 1, so that a single pass on purpose does not count.",
        symptom="Two evaluations of the same data differ.",
        cause="The layer was put back into train mode, its train() is overridden, or eval() does "
        "not reach it.",
        fix="Call eval() on the root module after everything that calls train(), and make train() "
        "overrides pass the mode on.",
        legal="Test-time adaptation that updates BatchNorm on purpose.",
        source="pytorch/pytorch#20875, roytseng-tw/Detectron.pytorch#104",
        fact="moved_in_eval",
        limit=1,
    ),
    Rule(
        id="unregistered-bn",
        severity="error",
        certainty="certain",
        title="BatchNorm outside the module tree",
        measures="BatchNorm layers that ran inside the model and are not in its modules()",
        threshold="More than 0.",
        symptom="eval(), .to(device), state_dict() and the optimizer all miss the layer.",
        cause="The layer is kept in a plain list, dict or tuple instead of a registered attribute.",
        fix="Use nn.ModuleList or nn.ModuleDict.",
        legal="A separate model that is called inside and managed on its own.",
        source="pytorch/pytorch#20875, ignacio-rocco/detectorch#4",
    ),
    Rule(
        id="stuck-in-eval",
        severity="warning",
        certainty="certain",
        title="Still in eval mode after a validation",
        measures="consecutive optimizer steps with gradients while the root module is in eval "
        "mode, after it had trained",
        threshold="More than 3, so that a single step on purpose does not count.",
        symptom="Training slows down or diverges after the first validation; the running "
        "statistics stand still.",
        cause="model.eval() before the validation, and no model.train() after it.",
        fix="Call model.train() at the start of every epoch.",
        legal="Fine-tuning with frozen statistics; there the root stays in train mode and only the "
        "BatchNorm layers are in eval mode.",
        source="wkentaro/pytorch-fcn#56, joeynmt/joeynmt#184, pytorch/tutorials#1624",
        fact="stuck",
        limit=3,
    ),
    Rule(
        id="frozen-but-drifting",
        severity="warning",
        certainty="evidence",
        title="Frozen layer, moving statistics",
        measures="how far running_mean moved, in sd, in passes in train mode while the layer and "
        "everything before it took no gradient or were in no optimizer",
        threshold="More than 0.25 sd in the worst channel: less is the noise of an average.",
        symptom="A frozen backbone gives other features than before, and old results are gone.",
        cause="requires_grad=False, or leaving them out of the optimizer, freezes the parameters; "
        "the buffers follow every batch in train mode.",
        fix="Put frozen layers into eval mode, again after every model.train().",
        legal="Adapting the statistics to new data on purpose (AdaBN).",
        source="pytorch/pytorch#86590, lightly-ai/lightly#1438, wasidennis/AdaptSegNet#79",
        fact="drift",
        limit=0.25,
    ),
    Rule(
        id="double-update",
        severity="warning",
        certainty="certain",
        title="Updated twice a batch",
        measures="passes in train mode inside a backward pass",
        threshold="More than 2, so that two passes on purpose do not count.",
        symptom="The running statistics follow the last batches more closely than the momentum "
        "says; the loss hardly changes.",
        cause="Activation checkpointing runs the forward pass again during backward.",
        fix="Leave BatchNorm out of the checkpointed part, or use momentum 1 - sqrt(1 - momentum) "
        "in it.",
        legal="Harmless where the data is well mixed and the momentum is small.",
        source="pytorch/pytorch#96136, gpleiss/efficient_densenet_pytorch#73, "
        "deepinsight/insightface#2053",
        fact="recomputed",
        limit=2,
    ),
    Rule(
        id="recalibration-moves-frozen",
        severity="warning",
        certainty="certain",
        title="Recalibration moved a frozen layer",
        measures="recalibration passes through a layer whose parameters take no gradient",
        threshold="More than 0.",
        symptom="Frozen layers have other statistics after update_bn than before.",
        cause="torch.optim.swa_utils.update_bn resets and recomputes every BatchNorm layer and "
        "puts the whole model into train mode.",
        fix="Save and restore the buffers of frozen layers around update_bn.",
        legal="Statistics that are meant to be those of the new data.",
        source="docs.pytorch.org/docs/stable/optim.html (update_bn), pytorch/pytorch#86590",
        fact="recalibrated_frozen",
        limit=0,
    ),
)

_BATCHES = (
    Rule(
        id="ragged-batch",
        severity="warning",
        certainty="evidence",
        title="A small last batch",
        measures="batches of at most a quarter of the usual number of values a channel, and fewer "
        "than 16",
        threshold="More than 1, so that it repeats: each has the same weight in the running "
        "statistics as a full batch, with far more noise.",
        symptom="Eval mode gets worse at the end of an epoch, just before the validation.",
        cause="The data set's size is not a multiple of the batch size.",
        fix="Use DataLoader(drop_last=True) for training.",
        legal="Small batches in eval mode.",
        source="conservationtechlab/animl-py#330, fastai/fastai#1095",
        fact="ragged",
        limit=1,
    ),
    Rule(
        id="tiny-batch",
        severity="warning",
        certainty="certain",
        title="Too few values a channel",
        measures="the median number of values a channel, and of examples, of a training batch, and "
        "like how many independent values the means of input batches scatter",
        threshold="Fewer than 16 values, or one example, or two or three that count as fewer than "
        "4 independent values: the batch mean is off by 1/sqrt(n) sd, at 16 values by a quarter.",
        symptom="The training loss is noisy, and eval mode does not match it.",
        cause="A small batch, or gradient accumulation over small micro-batches: BatchNorm sees "
        "each micro-batch alone.",
        fix="Use larger batches, SyncBatchNorm over several devices, or GroupNorm.",
        legal="Frozen statistics: the layer in eval mode.",
        source="ultralytics/yolov5#1630, open-mmlab/mmcv#1869, wolny/pytorch-3dunet#53, "
        "arxiv.org/abs/1803.08494 (Group Normalization)",
        fact="usual_n",
        limit=16,
    ),
    Rule(
        id="non-iid-batches",
        severity="warning",
        certainty="evidence",
        title="Batches of different distributions",
        measures="the spread of batch means (of words and of classes, how often they occur) over "
        "the spread that equal draws would have",
        threshold="At the inputs and classes above 1.6 (1.7 over 12 batches, 2.3 over 4) with a "
        "share of over 25 % (classes 50 %) of the total sd; at a layer, where inputs cannot be "
        "compared, above 5 and at least 50 %. Equal draws give 1.",
        symptom="Eval mode is much worse than train mode, or training itself stalls; recomputing "
        "the statistics does not help.",
        cause="The data is sorted by class, source or time and not shuffled.",
        fix="Use DataLoader(shuffle=True), or a sampler that mixes the classes.",
        legal="Batches that stay apart in use as well, one domain at a time.",
        source="openpifpaf/openpifpaf#308",
        fact="scatter",
        limit=5,
    ),
    Rule(
        id="shared-across-domains",
        severity="warning",
        certainty="evidence",
        title="One layer for inputs of different statistics",
        measures="the distance of the means of the several passes a step, in sd, and the ratio of "
        "their variances",
        threshold="Lasting distance above 0.5 sd, or variances 3 times apart: their mixture fits "
        "none of the passes. Info while they are separate calls and inputs in eval mode, if any, "
        "are within 0.4 sd and a factor of 1.5 of the running statistics.",
        symptom="Train mode is good, eval mode is bad, and recomputing the statistics does not "
        "help.",
        cause="Each pass is normalized by itself in train mode (real and fake images, source and "
        "target, pyramid levels), and all by their mixture in eval mode.",
        fix="Join the inputs into one batch, or use a BatchNorm layer for each domain.",
        legal="Passes whose statistics agree; a critic that is only ever trained.",
        source="open-mmlab/mmdetection#6515, carpedm20/DCGAN-tensorflow#266, soumith/ganhacks#52, "
        "eriklindernoren/PyTorch-GAN#135",
        fact="domain_mean",
        limit=0.5,
    ),
    Rule(
        id="replicas-apart",
        severity="warning",
        certainty="evidence",
        title="Replicas with different statistics",
        measures="the distance of the running means of two models with equal weights, in sd",
        threshold="More than 0.25 sd, root mean square over the channels of the worst layer: "
        "averages of momentum 0.1 over batches of 32 differ by 0.06 sd by chance.",
        symptom="The saved model is good on one process's share of the data and bad on another's.",
        cause="Data-parallel training averages gradients, not buffers, and each replica sees "
        "other data.",
        fix="Use SyncBatchNorm, shuffle over all processes, or average the buffers before saving.",
        legal="Replicas that are each evaluated on their own data.",
        source="pytorch/pytorch#13711, open-mmlab/mmdetection#2539, "
        "huggingface/pytorch-image-models#110, facebookresearch/fvcore#152",
        fact="replica_apart",
        limit=0.25,
    ),
    Rule(
        id="sync-not-converted",
        severity="warning",
        certainty="certain",
        title="Plain BatchNorm under several processes",
        measures="BatchNorm layers that are not SyncBatchNorm, with more than one process, and "
        "their values a channel",
        threshold="More than 0 layers, where a channel has fewer than 32 values on a process: the "
        "batch mean is then off by more than 1/sqrt(32), 0.18 sd.",
        symptom="Results depend on the number of processes; small batches a process are noisy.",
        cause="DistributedDataParallel leaves BatchNorm to each process's own share of the batch.",
        fix="Call torch.nn.SyncBatchNorm.convert_sync_batchnorm(model) before "
        "DistributedDataParallel.",
        legal="Large batches on each process, or frozen statistics.",
        source="docs.pytorch.org/docs/stable/generated/torch.nn.SyncBatchNorm.html",
        fact="unsynchronized",
        limit=0,
    ),
)

_INPUTS = (
    Rule(
        id="dropout-before-bn",
        severity="warning",
        certainty="evidence",
        title="Dropout before BatchNorm",
        measures="the input's variance in eval mode over running_var, after a dropout that is "
        "active in train mode",
        threshold="Below 0.8 (of the ratio in layers without dropout, where that is below 1): the "
        "variance that was learned holds noise that eval mode lacks.",
        symptom="Eval mode is worse than train mode although dropout is off.",
        cause="Dropout raises the variance in train mode only.",
        fix="Put Dropout after the last BatchNorm, or remove it.",
        legal="A small p, where the two variances agree.",
        source="arxiv.org/abs/1801.05134 (Variance shift), pytorch/pytorch#3869, "
        "luigibonati/mlcolvar#205",
        fact="eval_var",
        limit=0.8,
    ),
    Rule(
        id="padding-in-stats",
        severity="warning",
        certainty="evidence",
        title="Padding in the statistics",
        measures="the share of positions to the end of the last axis that equal the last one in "
        "every channel, and its range over batches",
        threshold="A mean share above 5 %, and more than 10 percentage points between batches.",
        symptom="The output for a sequence depends on how long the others in its batch are.",
        cause="Sequences are padded with zeros to the longest, and BatchNorm counts the padding.",
        fix="Normalize only the valid positions (masked BatchNorm), sort by length, or use "
        "LayerNorm.",
        legal="Zeros that are data; the doctor cannot tell them from padding.",
        source="pytorch/pytorch#70529, Tomiinek/Multilingual_Text_to_Speech#81, "
        "SeanNaren/deepspeech.pytorch#312, tensorflow/tensorflow#30161",
        fact="padding",
        limit=0.05,
    ),
    Rule(
        id="wrong-axis",
        severity="error",
        certainty="evidence",
        title="The wrong axis is normalized",
        measures="largest over smallest standard deviation along the last axis after "
        "normalization, for inputs (N, L, C) with L = C",
        threshold="More than 10: a normalized feature axis would have equal scales.",
        symptom="It trains, only badly; features of small scale are ignored.",
        cause="BatchNorm1d takes (N, C, L); with (N, L, C) and L = C no shape error shows that "
        "time steps are normalized instead of features.",
        fix="Transpose around the layer: bn(x.transpose(1, 2)).transpose(1, 2).",
        legal="Inputs that really are (N, C, L), with scales that differ along L.",
        source="xieyulai/LSTM-for-Human-Activity-Recognition-using-2D-Pose_Pytorch#2, "
        "pytorch/pytorch#7577",
        fact="axis_scales",
        limit=10,
    ),
)

_PARAMETERS = (
    Rule(
        id="dead-bias",
        severity="info",
        certainty="certain",
        title="A bias right before BatchNorm",
        measures="a trainable bias of the Linear or convolution whose output goes straight in",
        threshold="Any.",
        symptom="None in the results; the bias has no gradient and drifts with weight decay.",
        cause="BatchNorm subtracts the mean, and the bias with it.",
        fix="Use bias=False in the layer before BatchNorm.",
        legal="Always, at the cost of some memory; needed if BatchNorm is frozen or removed.",
        source="milesial/Pytorch-UNet#325, RMalkiv/torch-audit, rule TA400",
    ),
    Rule(
        id="decayed-affine",
        severity="info",
        certainty="evidence",
        title="Weight decay pulls gammas to 0",
        measures="gammas below 0.01 in absolute value, in a parameter group with weight decay",
        threshold="More than 5 % of the channels beyond those that were so at the start.",
        symptom="Channels die; the loss may be as good, with less of the network in use.",
        cause="Weight decay applies to gamma and beta as to any weight.",
        fix="Put the parameters of normalization layers and biases into a group with "
        "weight_decay=0.",
        legal="Sparsity on purpose (network slimming).",
        source="ultralytics/yolov5#4104, JiahuiYu/slimmable_networks#15, "
        "discuss.pytorch.org/t/16994",
        fact="small_gammas",
    ),
)

_EVALUATION = (
    Rule(
        id="train-eval-gap",
        severity="error",
        certainty="evidence",
        title="A gap that recalibration removes",
        measures="the loss of the same batch under batch, running and recalibrated statistics",
        threshold="In the last three probes from step 30 on (in all, if fewer) the loss by running "
        "statistics is not finite, or over 10 % of the batch's loss and of the first probe's above "
        "the batch's, and recalibration removes over half of that.",
        symptom="Fine in train mode, broken in eval mode, on the very same data.",
        cause="The running statistics do not describe what reaches the layers.",
        fix="Look at the other findings for the reason; torch.optim.swa_utils.update_bn repairs "
        "the model at hand.",
        legal="Never; overfitting and shifted inputs are not reported.",
        source="pytorch/pytorch#4741, arxiv.org/abs/2105.07576 (Rethinking 'Batch' in BatchNorm)",
    ),
    Rule(
        id="export-mismatch",
        severity="error",
        certainty="evidence",
        title="The export computes something else",
        measures="the largest difference of the export's outputs from the model's in eval mode, "
        "over the largest output",
        threshold="More than 0.001; folding exactly leaves about 1e-6.",
        symptom="The exported, folded or converted model is worse than the original.",
        cause="eps left out or of another value when BatchNorm was folded, or an export in train "
        "mode.",
        fix="Fold with gamma / sqrt(running_var + eps), as "
        "torch.nn.utils.fusion.fuse_conv_bn_eval does, after model.eval().",
        legal="Quantization, which differs on purpose.",
        source="pytorch/vision#1947, Tencent/ncnn#303, discuss.pytorch.org/t/139598",
        fact="export_difference",
        limit=1e-3,
    ),
)

_CHECKPOINTS = (
    Rule(
        id="untrained-buffers",
        severity="error",
        certainty="certain",
        title="Initial running statistics beside trained weights",
        measures="layers of a checkpoint with running_mean exactly 0 and running_var exactly 1, "
        "and a beta that has been trained or a batch count above 0",
        threshold="Any such layer: trained networks do not have such statistics by chance. A "
        "warning where no batch count is stored: they may have been folded into gamma and beta.",
        symptom="The loaded model is much worse in eval mode than it was in training.",
        cause="The checkpoint was made from parameters() without buffers(), or momentum was 0.",
        fix="Save state_dict() of a model whose buffers were copied as well, or run "
        "torch.optim.swa_utils.update_bn after loading.",
        legal="A checkpoint whose statistics are recomputed after loading.",
        source="CuriousAI/mean-teacher#9, odegeasslbc/FastGAN-pytorch#4, lucidrains/ema-pytorch#8",
    ),
    Rule(
        id="bad-variance",
        severity="error",
        certainty="certain",
        title="Negative running variance",
        measures="channels of a checkpoint whose running_var is below 0",
        threshold="Below 0: sqrt(running_var + eps) is NaN from -eps on.",
        symptom="NaN in eval mode.",
        cause="A damaged or wrongly converted checkpoint, or arithmetic on buffers such as the "
        "difference of two models.",
        fix="Recompute the statistics with torch.optim.swa_utils.update_bn.",
        legal="Never.",
        source=_BATCHNORM,
    ),
    Rule(
        id="nonfinite-weights",
        severity="error",
        certainty="certain",
        title="NaN or infinity in gamma or beta",
        measures="channels of a checkpoint whose gamma or beta is NaN or infinite",
        threshold="More than 0.",
        symptom="NaN in both modes.",
        cause="The run diverged before the checkpoint was written.",
        fix="Go back to an earlier checkpoint; clip gradients or lower the learning rate.",
        legal="Never.",
        source=_BATCHNORM,
    ),
    Rule(
        id="exceeds-half",
        severity="info",
        certainty="certain",
        title="Statistics beyond float16",
        measures="channels of a float32 checkpoint whose running_var or running_mean exceeds "
        "65504 in absolute value",
        threshold="65504, the largest float16: beyond it model.half() makes it infinite.",
        symptom="None in float32; after model.half() a channel is constant.",
        cause="Inputs of very large scale.",
        fix="Scale the inputs, or keep BatchNorm in float32 or bfloat16 when deploying.",
        legal="A model that stays in float32.",
        source="apple/coreai-torch#54, NVIDIA/apex#144",
    ),
    Rule(
        id="no-batch-count",
        severity="info",
        certainty="certain",
        title="num_batches_tracked is 0 or missing",
        measures="num_batches_tracked of layers whose running statistics are not the initial ones",
        threshold="0, or not in the checkpoint.",
        symptom="None, unless momentum=None: then the first batch replaces the statistics.",
        cause="A checkpoint of torch before 0.4.1, a converted model, or buffers copied by name.",
        fix="Nothing in eval mode; with momentum=None set num_batches_tracked before training on.",
        legal="Converted models and frozen BatchNorm layers.",
        source=_BATCHNORM,
    ),
)

RULES: dict[str, Rule] = {
    rule.id: rule
    for family in (
        *(_STATISTICS, _MOMENTUM, _MODES, _BATCHES),
        *(_INPUTS, _PARAMETERS, _EVALUATION, _CHECKPOINTS),
    )
    for rule in family
}
"""By id, families together."""
